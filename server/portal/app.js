'use strict';

// Names and numbers come from other people's calls: they reach the page as text only.

const PAGE_SIZE = 50;
const RUNNING = new Set(['recording', 'finalizing']);
const rows = document.getElementById('rows');
const form = document.getElementById('filter');
const older = document.getElementById('older');
const newer = document.getElementById('newer');

let filter = {};
let cursors = [''];  // of the pages up to the one that is shown
let next = null;
let timer = 0;
let request = 0;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) {
    made.textContent = text;
  }
  if (className) {
    made.className = className;
  }
  return made;
}

function link(text, href, label) {
  const made = element('a', text);
  made.href = href;
  made.setAttribute('aria-label', label);
  return made;
}

function length(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value) => String(value).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

function partyName(party) {
  return party.name || party.number || party.aor || party.id;
}

function partiesCell(recording) {
  const cell = element('td', undefined, 'parties');
  const list = element('ul');
  for (const party of recording.participants) {
    const item = element('li', partyName(party));
    const detail = party.number || party.aor;
    if (party.name && detail) {
      item.append(' ', element('span', detail, 'second'));
    }
    list.append(item);
  }
  cell.append(recording.participants.length > 0 ? list : element('span', 'not named', 'second'));
  return cell;
}

function clientCell(recording) {
  const cell = element('td', recording.src.uri || recording.src.address, 'client');
  if (recording.src.user_agent) {
    cell.append(element('div', recording.src.user_agent, 'second'));
  }
  return cell;
}

function verdictCell(recording) {
  const cell = element('td');
  cell.append(element('span', recording.verdict, recording.verdict));
  if (recording.reasons.length > 0) {
    cell.append(element('div', recording.reasons.join(', '), 'second'));
  }
  return cell;
}

function lengthOf(recording) {
  if (recording.state === 'recording') {
    return length((Date.now() - Date.parse(recording.start)) / 1000);
  }
  return length(recording.duration_s);
}

function fileCells(recording) {
  const base = `/api/v1/recordings/${encodeURIComponent(recording.id)}`;
  const who = recording.participants.map(partyName).join(', ') || recording.id;
  const kinds = new Set(recording.artefacts.map((artefact) => artefact.kind));
  const listen = element('td');
  if (kinds.has('wav')) {
    const player = element('audio');
    player.controls = true;
    player.preload = 'none';
    player.src = `${base}/audio`;
    player.setAttribute('aria-label', `Play ${who}`);
    listen.append(player);
  } else {
    listen.append(element('span', RUNNING.has(recording.state) ? 'not yet' : 'no audio', 'second'));
  }
  const files = element('td', undefined, 'files');
  if (kinds.has('wav')) {
    files.append(link('WAV', `${base}/audio`, `WAV of ${who}`));
  }
  if (kinds.has('video')) {
    files.append(link('Video', `${base}/video`, `Video of ${who}`));
  }
  if (kinds.has('text')) {
    files.append(link('Text', `${base}/text`, `Text that ${who} wrote`));
  }
  if (kinds.has('capture')) {
    files.append(link('Capture', `${base}/capture`, `Capture of ${who}`));
  }
  files.append(link('Metadata', `${base}/metadata`, `Metadata documents of ${who}`));
  return [listen, files];
}

function makeRow(recording) {
  const row = element('tr');
  const start = element('td', undefined, 'start');
  const time = element('time', new Date(recording.start).toLocaleString());
  time.dateTime = recording.start;
  start.append(time);
  row.append(
    start,
    element('td', lengthOf(recording), 'length'),
    partiesCell(recording),
    clientCell(recording),
    verdictCell(recording),
    element('td', recording.state, recording.state),
    ...fileCells(recording));
  row.dataset.id = recording.id;
  row.dataset.seen = JSON.stringify(recording);
  return row;
}

// Rows that did not change stay where they are, so that what plays goes on playing.
function show(recordings) {
  const present = new Map([...rows.children].map((row) => [row.dataset.id, row]));
  recordings.forEach((recording, index) => {
    let row = present.get(recording.id);
    const changed = row && row.dataset.seen !== JSON.stringify(recording);
    if (!row || changed || recording.state === 'recording') {
      const fresh = makeRow(recording);
      if (row) {
        row.replaceWith(fresh);
      }
      row = fresh;
    }
    if (rows.children[index] !== row) {
      rows.insertBefore(row, rows.children[index] || null);
    }
  });
  while (rows.children.length > recordings.length) {
    rows.lastElementChild.remove();
  }
  document.getElementById('empty').hidden = recordings.length > 0;
}

function showProblem(text) {
  const place = document.getElementById('problem');
  place.textContent = text;
  place.hidden = text === '';
}

async function fetchJson(path) {
  const response = await fetch(path, {headers: {Accept: 'application/json'}});
  const body = await response.json();
  if (!response.ok) {
    throw new Error(body.detail || `the server answered ${response.status}`);
  }
  return body;
}

function listPath() {
  const parameters = new URLSearchParams({limit: String(PAGE_SIZE), ...filter});
  const cursor = cursors[cursors.length - 1];
  if (cursor) {
    parameters.set('cursor', cursor);
  }
  return `/api/v1/recordings?${parameters}`;
}

async function loadList(mine) {
  const page = await fetchJson(listPath());
  if (mine !== request) {
    return false;  // a later request was made meanwhile
  }
  next = page.next;
  show(page.recordings);
  older.disabled = !next;
  newer.disabled = cursors.length < 2;
  return page.recordings.some((recording) => RUNNING.has(recording.state));
}

async function loadStatus() {
  const status = await fetchJson('/api/v1/status');
  const parts = [`${status.sessions_active} recording now`, `version ${status.version}`];
  if (!status.catalogue.up) {
    parts.push('catalogue away');
  }
  if (status.disk && status.disk.alarm) {
    parts.push('disk nearly full');
  }
  document.getElementById('status').textContent = parts.join(' \u00b7 ');
  return status.sessions_active > 0;
}

async function refresh() {
  clearTimeout(timer);
  const mine = ++request;
  const outcomes = await Promise.allSettled([loadList(mine), loadStatus()]);
  if (mine !== request) {
    return;
  }
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  showProblem(failed ? `Cannot show everything: ${failed.reason.message}` : '');
  const running = outcomes.some((outcome) => outcome.value === true);
  timer = setTimeout(refresh, running ? 3000 : 15000);
}

// The field holds local time; the server is asked in UTC.
function readFilter() {
  const values = {};
  for (const [name, value] of new FormData(form)) {
    const text = value.trim();
    if (text !== '') {
      values[name] = name === 'from' || name === 'until' ? new Date(text).toISOString() : text;
    }
  }
  // Who types a word without wildcards looks for a part of the name.
  for (const name of ['participant', 'field']) {
    if (values[name] && !values[name].includes('*')) {
      values[name] = `*${values[name]}*`;
    }
  }
  return values;
}

function startOver() {
  filter = readFilter();
  cursors = [''];
  refresh();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  startOver();
});
form.addEventListener('reset', () => setTimeout(startOver, 0));
older.addEventListener('click', () => {
  cursors.push(next);
  refresh();
});
newer.addEventListener('click', () => {
  cursors.pop();
  refresh();
});
refresh();
