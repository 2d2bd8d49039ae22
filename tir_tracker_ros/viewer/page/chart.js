// Copyright 2026 tir_tracker_ros maintainers
// SPDX-License-Identifier: Apache-2.0
// The scores of the last minute, a line for each target.

const SECONDS = 60;
const DRAW_MS = 200;
const OTHERS = '#98a3b3';

export class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.clear();
  }

  clear() {
    this.scores = [];
    this.colors = new Map();
    this.now = 0;
    this.drawn = 0;
  }

  // Takes `[time, id, score or null while lost]`, the present time, and the targets.
  add(scores, now, targets) {
    this.scores.push(...scores);
    this.now = now;
    const old = this.scores.findIndex(([time]) => time > now - SECONDS);
    this.scores.splice(0, old < 0 ? this.scores.length : old);
    for (const {id, color} of targets) if (color) this.colors.set(id, color);
    if (performance.now() - this.drawn > DRAW_MS) this.draw();
  }

  draw() {
    this.drawn = performance.now();
    const {canvas} = this;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext('2d');
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const left = 24;
    const bottom = height - 16;
    const x = (time) => width - ((this.now - time) / SECONDS) * (width - left);
    const y = (score) => bottom - score * (bottom - 8);
    pen.font = '11px system-ui, sans-serif';
    pen.fillStyle = '#98a3b3';
    pen.strokeStyle = '#343c47';
    pen.lineWidth = 1;
    pen.textAlign = 'right';
    for (const score of [0, 0.5, 1]) {
      pen.fillText(String(score), left - 6, y(score) + 4);
      line(pen, [[left, y(score)], [width, y(score)]]);
    }
    pen.textAlign = 'center';
    for (const ago of [45, 30, 15]) pen.fillText(`-${ago} s`, x(this.now - ago), height - 2);
    const parts = new Map();
    for (const [time, id, score] of this.scores) {
      if (!parts.has(id)) parts.set(id, []);
      parts.get(id).push([time, score]);
    }
    pen.lineWidth = 1.5;
    for (const [id, points] of parts) {
      pen.strokeStyle = this.colors.get(id) || OTHERS;
      let piece = [];
      let before = -Infinity;
      for (const [time, score] of points) {
        if (score === null || time - before > 2) {
          line(pen, piece);
          piece = [];
        }
        if (score !== null) piece.push([x(time), y(score)]);
        before = time;
      }
      line(pen, piece);
    }
  }
}

function line(pen, points) {
  if (points.length < 2) return;
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.stroke();
}
