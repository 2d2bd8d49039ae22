// Copyright 2026 tir_tracker_ros maintainers
// SPDX-License-Identifier: Apache-2.0
// The connection to the viewer, and everything on the page but the image itself.

import {Chart} from './chart.js';
import {ImageView} from './image.js';

const AGAIN_MS = 1000;
const LINES = 30;
const $ = (id) => document.getElementById(id);

const decoder = new TextDecoder();
const waiting = new Map();
const rows = new Map();
const shown = [];
let socket = null;
let asked = 0;
let last = null; // the newest news
let again = null; // id of the target that the next box starts anew
const chart = new Chart($('chart'));
const view = new ImageView($('image'), {freeze, propose, changed});

// The connection ------------------------------------------------------------------------------

function connect() {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  let queue = Promise.resolve();
  const mine = socket = new WebSocket(`${scheme}//${location.host}/socket`);
  mine.binaryType = 'arraybuffer';
  mine.onopen = () => {
    chart.clear();
    $('log').replaceChildren();
    live();
  };
  mine.onmessage = ({data}) => {
    if (typeof data === 'string') {
      answered(JSON.parse(data));
    } else {
      queue = queue.then(() => news(mine, data)).catch((error) => console.error(error));
    }
  };
  mine.onclose = async ({reason}) => {
    for (const {reject} of waiting.values()) reject(new Error('the connection is lost'));
    waiting.clear();
    link(false, reason || 'not connected');
    // Where the token is another one by now, the page asks for it.
    const page = await fetch('/').catch(() => null);
    if (page && page.status === 401) location.reload();
    setTimeout(connect, AGAIN_MS);
  };
}

function ask(what, more = {}) {
  if (!socket || socket.readyState !== WebSocket.OPEN) {
    return Promise.reject(new Error('not connected'));
  }
  const n = ++asked;
  socket.send(JSON.stringify({do: what, n, ...more}));
  return new Promise((resolve, reject) => waiting.set(n, {resolve, reject}));
}

function answered(answer) {
  const promise = waiting.get(answer.n);
  waiting.delete(answer.n);
  if (!promise) return;
  if (answer.error) promise.reject(new Error(answer.error));
  else promise.resolve(answer);
}

async function news(from, data) {
  const length = new DataView(data).getUint32(0, true);
  const head = JSON.parse(decoder.decode(new Uint8Array(data, 4, length)));
  let bitmap = null;
  if (head.image) {
    const jpeg = new Blob([new Uint8Array(data, 4 + length)], {type: 'image/jpeg'});
    bitmap = await createImageBitmap(jpeg);
  }
  await new Promise(requestAnimationFrame);
  if (bitmap) {
    shown.push(performance.now());
    view.show(bitmap, head.image);
  }
  last = head.viewer;
  tell(last);
  if (from.readyState === WebSocket.OPEN) from.send('{"do":"drawn"}');
}

// What the page shows -------------------------------------------------------------------------

function link(on, text) {
  $('link').className = on ? 'on' : '';
  $('link').textContent = text;
}

function tell(seen) {
  link(true, 'connected');
  put($('name'), seen.name);
  document.title = `${seen.name}: thermal tracker`;
  const state = seen.paused ? 'paused' : seen.state;
  put($('state'), state);
  put($('pause'), seen.paused ? 'Resume' : 'Pause');
  $('pause').classList.toggle('on', seen.paused);
  targets(seen.targets);
  chart.add(seen.scores, seen.now, seen.targets);
  view.targets = new Map(seen.targets.map((target) => [target.id, target]));
  view.draw();
  const {images, answers, latency_ms: latency} = seen.rates;
  const now = performance.now();
  while (shown.length && now - shown[0] > 2000) shown.shift();
  put($('images'), rate(images));
  put($('answers'), rate(answers));
  put($('shown'), rate(shown.length / 2));
  put($('latency'), latency === null ? '-' : `${Math.round(latency)} ms`);
  put($('viewers'), String(seen.viewers));
  for (const [time, text, warn] of seen.notices) say(text, warn, seen.now - time);
}

function targets(list) {
  const ids = new Set(list.map((target) => target.id));
  for (const [id, row] of rows) {
    if (!ids.has(id)) {
      row.remove();
      rows.delete(id);
      if (again === id) startAgain(null);
    }
  }
  for (const target of list) {
    const row = rows.get(target.id) || newRow(target.id);
    const [swatch, id, , , figures, why] = row.children;
    swatch.style.background = target.color || '';
    put(id, `#${target.id}${target.class_id ? ` ${target.class_id}` : ''}`);
    const score = target.score === null ? '' : target.score.toFixed(2);
    const celsius = target.temperature == null ? '' : `${target.temperature.toFixed(1)} °C`;
    const [badge, numbers] = figures.children;
    put(badge, target.state);
    badge.className = `badge ${target.state}`;
    put(numbers, [score, celsius].filter(Boolean).join('  '));
    put(why, target.reason);
  }
  $('none').hidden = list.length > 0;
}

function newRow(id) {
  const row = document.createElement('li');
  const add = (tag, name, text = '') => {
    const part = document.createElement(tag);
    part.className = name;
    part.textContent = text;
    row.append(part);
    return part;
  };
  add('span', 'swatch');
  add('span', 'id');
  const redraw = add('button', 'again', 'Redraw');
  redraw.title = 'Draw a new box for this target';
  redraw.onclick = () => startAgain(again === id ? null : id);
  const cancel = add('button', 'cancel', '✕');
  cancel.title = cancel.ariaLabel = `Cancel target ${id}`;
  cancel.onclick = () => command('cancel', {id});
  const figures = add('span', 'figures');
  figures.append(document.createElement('span'), ' ', document.createElement('span'));
  add('span', 'why');
  row.dataset.id = id;
  rows.set(id, row);
  $('targets').append(row);
  return row;
}

function say(text, warn, age = 0) {
  const line = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date(Date.now() - age * 1000).toTimeString().slice(0, 8);
  line.append(time, text);
  line.classList.toggle('warn', warn);
  $('log').prepend(line);
  while ($('log').children.length > LINES) $('log').lastChild.remove();
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function rate(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} Hz`;
}

// Choosing ------------------------------------------------------------------------------------

function freeze(number) {
  $('stage').classList.add('frozen');
  ask('freeze', {image: [number]}).catch((error) => {
    say(error.message, true);
    live();
  });
  changed();
}

function live() {
  view.live();
  $('stage').classList.remove('frozen');
  startAgain(null);
  ask('live').catch(() => {});
  changed();
}

async function propose(x, y, reach) {
  try {
    const {box} = await ask('propose', {at: [x, y, reach]});
    view.propose(box);
  } catch (error) {
    say(error.message, true);
    $('hint').textContent = error.message;
  }
}

function startAgain(id) {
  again = id;
  for (const [each, row] of rows) row.querySelector('.again').classList.toggle('on', each === id);
  changed();
}

async function follow() {
  const {box} = view;
  if (!box || $('follow').disabled) return;
  const more = {box, id: again || '', newest: secondsLeft() <= 0};
  $('follow').disabled = true;
  try {
    say((await ask('init', more)).done, false);
    if (view.box === box) live(); // else another one was drawn meanwhile
  } catch (error) {
    say(error.message, true);
    $('hint').textContent = error.message;
  } finally {
    $('follow').disabled = false;
  }
}

async function command(what, more = {}) {
  try {
    say((await ask(what, more)).done, false);
  } catch (error) {
    say(error.message, true);
  }
}

// How long the tracker keeps the frozen image, so that an init may name it.
function secondsLeft() {
  const size = last && last.limits.buffer_size;
  if (view.image && view.image.stamp === '0') return 0; // without a stamp it cannot be named
  if (!view.frozen || !size || last.rates.images < 0.1) return Infinity;
  return size / last.rates.images - (performance.now() - view.frozenAt) / 1000 - 0.2;
}

function changed() {
  const {frozen, box} = view;
  $('actions').hidden = !frozen;
  $('follow').hidden = !box;
  $('fit').hidden = !view.zoomed;
  put($('live'), box ? 'Discard' : 'Live');
  put($('freeze'), frozen ? 'Live' : 'Freeze');
  const whose = again ? `New box for target ${again}. ` : '';
  if (!frozen) $('hint').textContent = whose && `${whose}Draw it, or tap the object.`;
  else if (!box) $('hint').textContent = `${whose}Draw a box around the object, or tap it.`;
  else $('hint').textContent = `${whose}Drag corners or the box to correct it.`;
  countDown();
}

function countDown() {
  const left = secondsLeft();
  const size = last && last.limits.buffer_size;
  const whole = size ? size / Math.max(last.rates.images, 0.1) : 1;
  const share = Number.isFinite(left) ? Math.max(left / whole, 0) : 0;
  $('left').firstElementChild.style.width = `${100 * share}%`;
  put($('follow'), left > 0 ? 'Follow' : 'Follow on newest');
  $('follow').title = left > 0 ? '' :
    `The tracker can no longer name this image: it keeps ${size} (buffer_size)`;
}

$('follow').onclick = follow;
$('live').onclick = live;
$('freeze').onclick = () => (view.frozen ? live() : view.freeze());
$('pause').onclick = () => command('pause', {on: !(last && last.paused)});
$('reset').onclick = () => command('reset');
$('fit').onclick = () => view.fit();
addEventListener('keydown', (event) => {
  if (event.target instanceof HTMLButtonElement && event.key === 'Enter') return;
  if (event.key === 'Enter') follow();
  if (event.key === 'Escape' && view.frozen) live();
});
addEventListener('resize', () => {
  view.draw();
  chart.draw();
});
setInterval(countDown, 200);
connect();
