// The page of a job: two players with one transport. Exact to the frame when paused; while playing
// the second follows the first within a frame. Without this script the page has two plain players.
'use strict';
document.documentElement.classList.add('js');

document.addEventListener('DOMContentLoaded', () => {
  const root = document.querySelector('.compare');
  if (root) compare(root);
  const live = document.querySelector('[data-state]');
  if (live) follow(live);
});

function compare(root) {
  const $ = (wanted) => root.querySelector(wanted);
  const all = (wanted, from = root) => [...from.querySelectorAll(wanted)];
  const {fps: rational, frames, start, approximate, labels, revisions} = root.dataset;
  const [over, under] = rational.split('/');
  const fps = over / under, last = frames - 1, shift = +start;
  const names = root.dataset.names.split('|');
  const videos = all('video'), slots = all('.slot');
  const scrub = $('.scrub'), cut = $('.cut'), play = $('[data-do=play]'), hand = $('[data-hand]');
  const cues = all('[data-cue]', document).map((row) => [row, ...row.dataset.cue.split(' ').map(Number)]);
  const samples = 'requestVideoFrameCallback' in HTMLVideoElement.prototype;

  let frame = 0, view = $('.stage').dataset.view, rate = 1, top = 0, heard = 0, swapped = false;
  let playing = false, wanted = null, moving = null, held = false, blind = false;
  let loop = null, marks = [0, last], correcting = false, repaired = 0, fresh = false;

  // ---- frames and seconds

  const clamp = (n, low, high) => Math.min(high, Math.max(low, n));
  // The middle of a frame: at its very beginning browsers show the one before, now and then.
  const seconds = (n) => (n + 0.5) / fps + shift;
  const frameAt = (time) => clamp(Math.floor((time - shift) * fps + 0.01), 0, last);
  const frameOf = (video) => frameAt(video.shown ?? video.currentTime);

  function say(text) {
    $('[data-said]').textContent = text;
  }

  const spoken = () => `frame ${frame}, ${(frame / fps).toFixed(2)} seconds`;

  function show(n) {
    frame = n;
    scrub.value = n;
    scrub.setAttribute('aria-valuetext', spoken());
    $('[data-where]').textContent = spoken();
    if (hand) for (const x of ['x1', 'x2']) hand.setAttribute(x, (1000 * n) / (last || 1));
    let text = '';
    for (const [row, from, to] of cues) {
      const now = n >= from && n <= to;
      if (now) text = row.querySelector('.text').textContent;
      row.toggleAttribute('data-now', now);
    }
    $('[data-caption]').textContent = text;
  }

  function remember() {
    const parts = [`f=${frame}`, `v=${view}`];
    if (view === 'split') parts.push(`cut=${cut.value}`);
    if (loop) parts.push(`loop=${loop.join('-')}`);
    history.replaceState(null, '', '#' + parts.join('&'));
  }

  function recall() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (!asked.has('f')) return;
    const span = /^(\d+)-(\d+)$/.exec(asked.get('loop') || ''), name = asked.get('v');
    if (asked.has('cut')) divide(clamp(+asked.get('cut') || 0, 0, 100));
    if (span) setLoop(clamp(+span[1], 0, last), clamp(+span[2], 0, last));
    if (['side', 'split', 'flip', 'one'].includes(name)) look(name);
    seek(+asked.get('f') || 0);
  }

  // ---- seeking: both to the same frame, and a look whether both show it

  function put(video, n) {
    return new Promise((done) => {
      let timer = setTimeout(finish, 5000);
      function finish() {
        clearTimeout(timer);
        video.removeEventListener('seeked', seeked);
        done();
      }
      // A frame that is there already may not be presented again: then the seek's end must do.
      function seeked() {
        clearTimeout(timer);
        timer = setTimeout(finish, samples && video.shown === null ? 500 : 0);
      }
      function look(_, seen) {
        note(video, seen);
        if (!moving && !playing) judge();
        if (frameOf(video) === n) finish();
        else if (wanted === null) video.requestVideoFrameCallback(look);
      }
      if (frameOf(video) !== n) video.shown = null;
      video.addEventListener('seeked', seeked);
      video.currentTime = Math.min(seconds(n), (video.duration || 1e9) - 0.001);
      if (samples) video.requestVideoFrameCallback(look);
    });
  }

  function note(video, seen) {
    video.shown = seen.mediaTime;
    video.due = seen.expectedDisplayTime;
  }

  async function move() {
    let n = frame;
    while (wanted !== null) {
      n = wanted;
      wanted = null;
      await Promise.all(videos.map((video) => put(video, n)));
    }
    moving = null;
    judge();
    root.dataset.shown = n;
    if (!playing) remember();
  }

  function judge() {
    const known = videos.every((video) => video.shown != null);
    const exact = !approximate && (!known || videos.every((video) => frameOf(video) === frame));
    $('[data-exact]').textContent = exact ? (known ? 'exact in both' : '')
      : `approximate: ${approximate || 'this browser shows another frame'}`;
  }

  async function seek(n) {
    wanted = clamp(Math.round(n), 0, last);
    fresh = false;
    show(wanted);
    delete root.dataset.shown;
    moving ??= move();
    await moving;
  }

  function step(by) {
    if (playing) stop();
    seek(frame + by);
  }

  // ---- playing: within a frame, by changing the second one's rate a little

  async function run() {
    await moving;
    const [from, to] = loop || [0, last];
    if (fresh || frame >= to || (loop && frame < from)) {
      top = view === 'one' ? +swapped : top;
      arrange();
      await seek(from);
    }
    playing = true;
    held = correcting = false;
    play.textContent = 'Pause';
    $('[data-exact]').textContent = '';
    delete root.dataset.shown;
    resume();
  }

  const active = () => (view === 'one' ? [videos[top]] : videos);

  function resume() {
    for (const video of active()) {
      video.due = 0;
      video.playbackRate = rate;
      video.play().catch(() => { if (playing && !moving && !held) stop(); });
      if (samples) watch(video);
    }
  }

  function watch(video) {
    if (video.call) video.cancelVideoFrameCallback(video.call);
    video.call = video.requestVideoFrameCallback((_, seen) => {
      note(video, seen);
      if (playing) watch(video);
    });
  }

  async function stop(text) {
    if (!playing) return;
    playing = false;
    videos.forEach((video) => video.pause());
    play.textContent = 'Play';
    await seek(frameOf(active()[0]));
    say(text || `Paused at ${spoken()}.`);
  }

  async function restart(n) {
    videos.forEach((video) => video.pause());
    await seek(n);
    if (playing) resume();
  }

  function beat() {
    requestAnimationFrame(beat);
    if (!playing || moving) return;
    const leader = active()[0], n = frameOf(leader), [, to] = loop || [0, last];
    show(n);
    if (n >= to || leader.ended) turn();
  }

  // The end of what is played: the other's turn, again, or a stop.
  function turn() {
    const from = loop ? loop[0] : 0;
    if (view === 'one' && (loop || top === +swapped)) {
      top = 1 - top;
      arrange();
      restart(from);
    } else if (loop) restart(from);
    else stop('The end.');
  }

  setInterval(() => {
    const [first, second] = videos;
    if (!playing || moving || held || view === 'one' || document.hidden || !samples) return;
    const now = performance.now();
    const stale = videos.some((video) => video.shown == null || now - video.due > 250);
    const apart = stale ? 0 : second.shown - first.shown - ((second.due - first.due) / 1000) * rate;
    if (Math.abs(apart) > 0.5) {
      if (now - repaired > 3000) { repaired = now; restart(frameOf(first)); }
      return;
    }
    // Within a frame nothing is done; once begun, it goes on until half a frame is left.
    correcting = Math.abs(apart) > (correcting ? 0.5 : 1) / fps;
    second.playbackRate = rate * (correcting ? 1 - clamp(apart * 2, -0.1, 0.1) : 1);
  }, 100);

  videos.forEach((video) => {
    const other = videos[1 - videos.indexOf(video)];
    video.addEventListener('waiting', () => {
      // By the time it is told it may be over.
      if (!playing || moving || view === 'one' || video.readyState > 2) return;
      held = true;
      other.pause();
    });
    video.addEventListener('error', () => say('A video could not be loaded. Reload the page, or ask for a new link.'));
    video.addEventListener('canplay', () => {
      if (!held || !videos.every((each) => each.readyState > 2)) return;
      held = false;
      if (playing && !moving) resume();
    });
    // Keys of a headset pause one element: that means both.
    video.addEventListener('pause', () => {
      if (playing && !moving && !held && video.paused && !video.ended && active().includes(video)) stop();
    });
  });
  document.addEventListener('visibilitychange', () => videos.forEach((video) => { video.due = 0; }));

  function setLoop(from, to) {
    loop = from < to ? [from, to] : null;
    marks = loop || [0, last];
    $('[data-do=loop]').setAttribute('aria-pressed', !!loop);
    say(loop ? `Loop from frame ${from} to ${to}.` : 'No loop.');
    if (!playing) remember();
  }

  // ---- views

  function look(name) {
    const was = view;
    view = name;
    if (playing && (was === 'one') !== (view === 'one')) stop();
    arrange();
  }

  function arrange() {
    const single = view === 'flip' || view === 'one';
    $('.stage').dataset.view = view;
    all('.views [data-view]').forEach((each) => each.setAttribute('aria-pressed', each.dataset.view === view));
    $('[data-do=flip]').hidden = !single;
    cut.hidden = view !== 'split';
    // The order of reading is shuffled with the sides.
    const [first, second] = order();
    if (slots[first].nextElementSibling !== slots[second]) slots[first].after(slots[second]);
    slots.forEach((slot, at) => {
      slot.classList.toggle('second', at === second);
      slot.classList.toggle('off', single && at !== top);
    });
    const called = names.map((name, at) => (!blind ? name : at === first ? 'First' : 'Second'));
    all('[data-name]').forEach((each) => { each.textContent = called[each.dataset.name]; });
    videos.forEach((video, at) => video.setAttribute('aria-label', `Variant ${called[at]}`));
    all('[data-hear]').forEach((each, place) => {
      each.lastElementChild.textContent = called[order()[place]];
      each.setAttribute('aria-pressed', order()[place] === heard);
    });
  }

  function flip() {
    if (view !== 'flip' && view !== 'one') return choose('flip');
    top = 1 - top;
    arrange();
    if (view === 'one' && playing) restart(frame);
    else say(`Shown: ${$(`.name${top}`).textContent}.`);
  }

  function choose(name) {
    look(name);
    say(`View: ${$(`.views [data-view=${name}]`).textContent}.`);
    if (!playing) remember();
  }

  function divide(share) {
    cut.value = share;
    cut.setAttribute('aria-valuetext', `${share} percent`);
    $('.stage').style.setProperty('--cut', `${share}%`);
  }

  // The first that is shown is 0, whichever it is.
  function hear(place) {
    heard = order()[place];
    videos.forEach((video, each) => { video.muted = each !== heard; });
    arrange();
  }

  // ---- blind: no names, shuffled sides, a preference, then the names again

  const order = () => (swapped ? [1, 0] : [0, 1]);

  function goBlind() {
    if (blind) return reveal('');
    blind = true;
    swapped = crypto.getRandomValues(new Uint8Array(1))[0] > 127;
    top = +swapped;
    document.body.classList.add('blind');
    finishBlind('Names are hidden and the sides are shuffled.');
  }

  function reveal(text) {
    const first = names[+swapped];
    blind = swapped = false;
    top = 0;
    document.body.classList.remove('blind');
    finishBlind(`${text}The first was ${first}.`);
  }

  function finishBlind(text) {
    $('[data-do=blind]').setAttribute('aria-pressed', blind);
    $('[data-judge]').hidden = !blind;
    hear(0);
    say(text);
  }

  async function prefer(side) {
    const at = side === 'none' ? null : order()[+(side === 'second')];
    const form = $('[data-preferences]');
    const shown = (values) => order().map((each) => values.split('|')[each]).join('|');
    let told = at === null ? 'You saw no difference. ' : `You chose ${names[at]}. `;
    if (form) {
      const body = new URLSearchParams(new FormData(form));
      body.set('pair', shown(labels));
      body.set('revisions', shown(revisions));
      body.set('preferred', at === null ? '' : labels.split('|')[at]);
      const answer = await fetch(form.action, {method: 'POST', body, headers: {Accept: 'application/json'}})
        .catch(() => null);
      told += answer?.ok ? 'It was noted. ' : 'It could not be noted. ';
    }
    reveal(told);
  }

  // ---- buttons and keys

  const moments = all('[data-moment]').map((each) => +each.dataset.frame).sort((a, b) => a - b);
  const acts = {
    play: () => (playing ? stop() : run()),
    back: () => step(-1),
    on: () => step(1),
    back1: () => step(-Math.round(fps)),
    on1: () => step(Math.round(fps)),
    in: () => setLoop(frame, marks[1] > frame ? marks[1] : last),
    out: () => setLoop(marks[0] < frame ? marks[0] : 0, frame),
    loop: () => (loop ? setLoop(0, 0) : setLoop(0, last)),
    flip,
    blind: goBlind,
    moment: () => moments.length && jump(moments.find((n) => n > frame) ?? moments[0]),
    keys: () => { $('[data-keys]').open = !$('[data-keys]').open; },
  };
  const keys = {
    ' ': acts.play, k: acts.play, ',': acts.back, '.': acts.on, j: acts.back1, l: acts.on1, x: flip,
    s: () => choose('split'), d: () => choose('side'), '[': acts.in, ']': acts.out,
    '\\': () => setLoop(0, 0), 1: () => hear(0), 2: () => hear(1),
    m: acts.moment, '?': acts.keys,
  };

  function jump(n) {
    if (playing) stop();
    seek(n).then(() => say(`Now at ${spoken()}.`));
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    const {do: act, view: name, hear: side, frame: n, prefer: preferred} = button.dataset;
    if (act) acts[act]();
    else if (name) choose(name);
    else if (side) hear(+side);
    else if (preferred) prefer(preferred);
    else if (n) {
      jump(+n);
      if (!root.contains(button)) root.scrollIntoView({block: 'nearest'});
    }
  });
  root.addEventListener('keydown', (event) => {
    const {key, target} = event;
    if (event.ctrlKey || event.altKey || event.metaKey || !keys[key]) return;
    if (target.matches('select, [name=note]') || (key === ' ' && target.matches('button, summary'))) return;
    event.preventDefault();
    keys[key]();
  });
  scrub.addEventListener('input', () => {
    const n = +scrub.value;
    if (playing) stop();
    seek(n);
  });
  cut.addEventListener('input', () => divide(+cut.value));
  cut.addEventListener('change', remember);
  $('[data-speed]').addEventListener('change', (event) => {
    rate = +event.target.value;
    videos.forEach((video) => { video.playbackRate = rate; });
  });
  $('[data-curve]')?.addEventListener('click', (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    jump(Math.round(((event.clientX - box.left) / box.width) * last));
  });
  window.addEventListener('hashchange', recall);

  for (const video of videos) {
    video.controls = false;
    video.preload = 'auto';
  }
  hear(0);
  divide(50);
  // It may be there already: `loadedmetadata` can have come before this script listens.
  let ready = 0;
  const begin = () => {
    if (++ready < 2) return;
    recall();
    if (!moving) seek(+scrub.value).then(() => { fresh = true; });
    beat();
  };
  for (const video of videos) {
    if (video.readyState > 0) begin();
    else video.addEventListener('loadedmetadata', begin, {once: true});
  }
}

// ---- a running job: its state is asked for, sooner after a change and later without one

function follow(live) {
  const parts = (from) => [...from.querySelectorAll('[data-live=progress]')];
  let mark = null, pause = 2000;

  // Nobody is interrupted: what is new is shown when the videos stand still.
  const watching = () => document.querySelector('body.blind')
    || [...document.querySelectorAll('video')].some((video) => !video.paused);

  async function ask() {
    try {
      if (document.hidden) return;
      const headers = mark ? {'If-None-Match': mark} : {};
      const answer = await fetch(live.dataset.state, {headers, cache: 'no-store'});
      if (answer.status === 304) pause = Math.min(pause * 1.5, 30000);
      else if (answer.ok) {
        mark = answer.headers.get('ETag');
        pause = 2000;
        await renew();
      } else pause = Math.min(pause * 2, 60000);
    } catch {
      pause = Math.min(pause * 2, 60000);
    } finally {
      setTimeout(ask, pause);
    }
  }

  async function renew() {
    const page = await fetch(location.href, {cache: 'no-store'});
    const fresh = new DOMParser().parseFromString(await page.text(), 'text/html');
    const old = parts(document)[0], now = parts(fresh)[0];
    if (!now || !fresh.querySelector('[data-state]')) {
      if (!watching()) return location.reload();
      mark = null;
      return;
    }
    if (old.innerHTML === now.innerHTML) return;
    old.replaceChildren(...now.childNodes);
    document.querySelector('[data-live=said]').textContent = old.querySelector('.answer').textContent;
  }

  setTimeout(ask, pause);
}
