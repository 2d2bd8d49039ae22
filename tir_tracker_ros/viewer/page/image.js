// Copyright 2026 tir_tracker_ros maintainers
// SPDX-License-Identifier: Apache-2.0
// The image: boxes over it, zoom, and the box that is being drawn with mouse or fingers.

const CLICK_PIXELS = 6; // of the screen: what moves less is a click
const HANDLE_PIXELS = 22; // around a corner that can be dragged
const FINGER_PIXELS = 14; // that a finger covers around its place
const SMALLEST = 2; // pixels of the image
const LARGEST_ZOOM = 20;
const DRAFT = '#ffffff';

export class ImageView {
  // `on` has freeze(number), propose(x, y, reach) and changed().
  constructor(canvas, on) {
    this.canvas = canvas;
    this.on = on;
    this.targets = new Map(); // by id: what is known of those that are followed
    this.bitmap = this.image = this.box = null;
    this.frozen = false;
    this.frozenAt = 0;
    this.zoom = 1;
    this.center = null; // in pixels of the image; null: its middle
    this.pointers = new Map();
    this.drag = null;
    canvas.addEventListener('pointerdown', (event) => this.down(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => this.up(event));
    canvas.addEventListener('pointercancel', (event) => this.up(event, true));
    canvas.addEventListener('wheel', (event) => this.wheel(event), {passive: false});
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  get zoomed() {
    return this.zoom > 1.01;
  }

  show(bitmap, image) {
    if (this.frozen) {
      bitmap.close();
      return;
    }
    const before = this.image;
    if (this.bitmap) this.bitmap.close();
    this.bitmap = bitmap;
    this.image = image;
    if (!before || before.width !== image.width || before.height !== image.height) {
      this.canvas.style.aspectRatio = `${image.width} / ${image.height}`;
      this.fit();
    }
  }

  freeze() {
    if (this.frozen || !this.image) return;
    this.frozen = true;
    this.frozenAt = performance.now();
    this.on.freeze(this.image.number);
  }

  live() {
    this.frozen = false;
    this.box = this.drag = null;
    this.draw();
  }

  propose(box) {
    if (!this.frozen) return;
    this.box = box;
    this.draw();
    this.on.changed();
  }

  fit() {
    this.zoom = 1;
    this.center = null;
    this.draw();
    this.on.changed();
  }

  // From the image to the screen: place * scale + offset -----------------------------------------

  layout() {
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    const {image} = this;
    const scale = Math.min(width / image.width, height / image.height) * this.zoom;
    const [cx, cy] = this.center || [image.width / 2, image.height / 2];
    const offset = (size, whole, middle) => {
      if (size >= whole * scale) return (size - whole * scale) / 2;
      return Math.min(0, Math.max(size - whole * scale, size / 2 - middle * scale));
    };
    return {scale, x: offset(width, image.width, cx), y: offset(height, image.height, cy)};
  }

  place(event) {
    const {scale, x, y} = this.layout();
    const edge = this.canvas.getBoundingClientRect();
    return [(event.clientX - edge.left - x) / scale, (event.clientY - edge.top - y) / scale];
  }

  // Zooms so that a place of the image comes to lie under a place of the screen.
  zoomTo(zoom, place, event) {
    this.zoom = Math.min(Math.max(zoom, 1), LARGEST_ZOOM);
    const edge = this.canvas.getBoundingClientRect();
    const {scale} = this.layout();
    this.center = [
      place[0] + (edge.width / 2 - (event.clientX - edge.left)) / scale,
      place[1] + (edge.height / 2 - (event.clientY - edge.top)) / scale,
    ];
    this.draw();
    this.on.changed();
  }

  wheel(event) {
    if (!this.image) return;
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 400), this.place(event), event);
  }

  // Mouse and fingers ----------------------------------------------------------------------------

  down(event) {
    if (!this.image) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) {
      if (this.drag && this.drag.kind !== 'pinch') this.box = this.drag.before;
      const [one, other] = this.pointers.values();
      this.drag = {kind: 'pinch', zoom: this.zoom, span: span(one, other),
        place: this.place(middle(one, other))};
      this.draw();
      return;
    }
    if (this.pointers.size > 2) return;
    if (event.button > 0) {
      this.drag = {kind: 'pan', place: this.place(event)};
      return;
    }
    this.freeze();
    const at = this.place(event);
    const before = this.box;
    this.drag = {kind: 'new', anchor: at, at, event, before, moved: false, ...this.hit(at)};
  }

  // Says whether a place is at a corner of the box, or inside of it.
  hit([px, py]) {
    if (!this.box) return {};
    const [x, y, w, h] = this.box;
    const reach = HANDLE_PIXELS / this.layout().scale;
    const corners = [[x, y, x + w, y + h], [x + w, y, x, y + h],
      [x, y + h, x + w, y], [x + w, y + h, x, y]];
    const distances = corners.map(([cx, cy]) => Math.hypot(px - cx, py - cy));
    const nearest = distances.indexOf(Math.min(...distances));
    const inside = px > x && px < x + w && py > y && py < y + h;
    // A small box is moved by its middle, although its corners are near.
    const deep = inside && distances[nearest] > Math.hypot(w, h) / 4;
    if (distances[nearest] < reach && !deep) {
      const [cx, cy, ax, ay] = corners[nearest];
      return {kind: 'corner', anchor: [ax, ay], grip: [cx - px, cy - py]};
    }
    return inside ? {kind: 'move'} : {};
  }

  move(event) {
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, event);
    const {drag} = this;
    if (!drag) return;
    if (drag.kind === 'pinch') {
      if (this.pointers.size < 2) return;
      const [one, other] = this.pointers.values();
      const zoom = drag.zoom * (span(one, other) / Math.max(drag.span, 1));
      this.zoomTo(zoom, drag.place, middle(one, other));
      return;
    }
    if (drag.kind === 'pan') {
      this.zoomTo(this.zoom, drag.place, event);
      return;
    }
    const {clientX: x, clientY: y} = drag.event;
    if (!drag.moved && Math.hypot(event.clientX - x, event.clientY - y) < CLICK_PIXELS) return;
    drag.moved = true;
    const [px, py] = this.place(event);
    if (drag.kind === 'move') {
      const [bx, by, w, h] = drag.before;
      this.box = [bx + px - drag.at[0], by + py - drag.at[1], w, h];
    } else {
      const grip = drag.grip || [0, 0];
      this.box = between(drag.anchor, this.inside([px + grip[0], py + grip[1]]));
    }
    this.draw();
  }

  up(event, cancelled = false) {
    this.pointers.delete(event.pointerId);
    const {drag} = this;
    if (!drag || this.pointers.size) return;
    this.drag = null;
    if (drag.kind === 'pinch' || drag.kind === 'pan') return;
    if (cancelled) {
      this.box = drag.before;
    } else if (!drag.moved && drag.kind === 'new') {
      const covered = event.pointerType === 'mouse' ? 3 : FINGER_PIXELS;
      const [x, y] = this.inside(drag.at);
      this.on.propose(x, y, covered / this.layout().scale);
    } else if (this.box && (this.box[2] < SMALLEST || this.box[3] < SMALLEST)) {
      this.box = drag.before;
    }
    this.draw();
    this.on.changed();
  }

  inside([x, y]) {
    const {width, height} = this.image;
    return [Math.min(Math.max(x, 0), width - 1e-3), Math.min(Math.max(y, 0), height - 1e-3)];
  }

  // Drawing --------------------------------------------------------------------------------------

  draw() {
    const {canvas, image} = this;
    if (!image) return;
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const pen = canvas.getContext('2d');
    const {scale, x, y} = this.layout();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    pen.imageSmoothingEnabled = scale < 4;
    pen.drawImage(this.bitmap, x, y, image.width * scale, image.height * scale);
    const onScreen = ([bx, by, w, h]) => [bx * scale + x, by * scale + y, w * scale, h * scale];
    for (const [id, ...box] of image.boxes) {
      const target = this.targets.get(id);
      if (!target || !target.color) continue;
      const words = [`#${id}`, target.state, target.score === null ? '' : target.score.toFixed(2)];
      if (target.temperature != null) words.push(`${target.temperature.toFixed(1)} °C`);
      rectangle(pen, onScreen(box), target.color, target.state === 'lost');
      label(pen, onScreen(box), words.filter(Boolean).join(' '), target.color);
    }
    if (this.box) {
      const box = onScreen(this.box);
      rectangle(pen, box, DRAFT, false);
      for (const cx of [box[0], box[0] + box[2]]) {
        for (const cy of [box[1], box[1] + box[3]]) {
          pen.beginPath();
          pen.arc(cx, cy, 5, 0, 2 * Math.PI);
          pen.fillStyle = '#2f7df6';
          pen.fill();
          pen.stroke();
        }
      }
      const [, , w, h] = this.box.map((value) => Math.round(value));
      label(pen, [box[0], box[1] - 8, box[2], box[3] + 16], `${w} x ${h}`, DRAFT);
    }
  }
}

function rectangle(pen, [x, y, w, h], color, dashed) {
  pen.setLineDash(dashed ? [6, 5] : []);
  pen.strokeStyle = '#000a';
  pen.lineWidth = 4;
  pen.strokeRect(x, y, w, h);
  pen.strokeStyle = color;
  pen.lineWidth = 2;
  pen.strokeRect(x, y, w, h);
  pen.setLineDash([]);
}

function label(pen, [x, y, , h], text, color) {
  pen.font = '600 13px system-ui, sans-serif';
  pen.textAlign = 'left';
  const width = pen.measureText(text).width + 8;
  const right = pen.canvas.clientWidth - width;
  const left = Math.max(Math.min(x - 1, right), 0);
  const top = y > 20 ? y - 20 : Math.min(y + h + 2, pen.canvas.clientHeight - 18);
  pen.fillStyle = '#000b';
  pen.fillRect(left, top, width, 18);
  pen.fillStyle = color;
  pen.fillText(text, left + 4, top + 13);
}

function between([ax, ay], [bx, by]) {
  return [Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx), Math.abs(ay - by)];
}

function span(one, other) {
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}

function middle(one, other) {
  return {clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2};
}
