// Caption AB: shows each viewer the variant of an experiment that is theirs, and reports one
// impression and the time that was watched. No cookies; nothing is loaded but the video.
//
//   <script src="https://ab.example.com/player.js" defer></script>
//   <video data-caption-ab="job_..." data-key="cab_pub_..." data-watch="watch"
//          src="what-you-show-without-it.mp4" controls playsinline></video>
(() => {
  "use strict";

  const base = new URL(".", document.currentScript.src).href;
  const STORED = "caption-ab-unit";
  const MOST_EVENTS = 20; // in one message
  const GAP_S = 2; // what lies between two signs of playing, at most: a computer may have slept
  const LEAST_S = 0.5; // sent when somebody pauses; what is less waits
  const MOST_S = 6 * 3600; // of one visit, where the plan has no bound
  const STALLED_MS = 1500; // how long a viewer waits until the address may be what has ended

  const running = new WeakMap();

  function random() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
  }

  // The viewer: as the page says, else one of this browser, else one of this visit.
  function unitOf(video) {
    if (video.dataset.unit) return video.dataset.unit;
    let unit = "";
    try {
      unit = localStorage.getItem(STORED) || "";
      if (!unit) {
        unit = `web-${random()}`;
        localStorage.setItem(STORED, unit);
      }
    } catch {
      unit = unit || `web-${random()}`;
    }
    return unit;
  }

  async function assign(video, unit) {
    const query = new URLSearchParams({ unit_id: unit, key: video.dataset.key });
    const address = `${base}v1/jobs/${video.dataset.captionAb}/assignment?${query}`;
    const answer = await fetch(address, { credentials: "omit" });
    if (!answer.ok) throw new Error(`Caption AB answered ${answer.status}`);
    return answer.json();
  }

  // Outcomes on their way. What could not be handed to the browser is kept and sent again later
  // under the same event_id, so that nothing counts twice.
  function reporter(video, assignment) {
    const query = new URLSearchParams({ key: video.dataset.key });
    const address = `${base}v1/jobs/${video.dataset.captionAb}/outcomes?${query}`;
    const waiting = [];
    const { unit_id, variant, token } = assignment;
    let open = Boolean(token);
    return {
      close() {
        open = false;
      },
      add(outcome) {
        if (open) waiting.push({ event_id: random(), unit_id, variant, token, ...outcome });
      },
      send() {
        while (waiting.length) {
          const outcomes = waiting.slice(0, MOST_EVENTS);
          if (!navigator.sendBeacon(address, JSON.stringify({ outcomes }))) return;
          waiting.splice(0, outcomes.length);
        }
      },
    };
  }

  // Calls back with whether half of the video, or half of the window, can be seen.
  function watchView(video, tell) {
    if (!window.IntersectionObserver) return tell(true);
    const judge = (entries) => {
      const { isIntersecting, intersectionRatio, intersectionRect, rootBounds } = entries.at(-1);
      const fills = rootBounds && intersectionRect.height >= rootBounds.height / 2;
      tell(isIntersecting && (intersectionRatio >= 0.5 || Boolean(fills)));
    };
    new IntersectionObserver(judge, { threshold: [0, 0.25, 0.5, 0.75, 1] }).observe(video);
  }

  function observe(video, assignment, report) {
    const name = video.dataset.watch;
    const metric = name ? (assignment.metrics || {})[name] : undefined;
    const timed = metric && metric.kind !== "proportion";
    if (name && !timed) console.warn(`Caption AB: the experiment measures no time called ${name}.`);
    let left = timed && metric.most ? metric.most / 100 : MOST_S;
    let inView = false;
    let shown = false;
    let watched = 0;
    let last = null;

    const isSeen = () => inView && document.visibilityState === "visible";
    const isPlaying = () =>
      !video.paused && !video.ended && !video.seeking && video.readyState >= 3;

    function tick() {
      const now = performance.now() / 1000;
      const at = video.currentTime;
      if (last !== null) {
        // No event tells of every standstill.
        const passed = Math.min(now - last.now, GAP_S);
        const moved = (at - last.at) / (video.playbackRate || 1);
        watched += moved < 0 ? passed : Math.min(passed, moved);
      }
      last = isPlaying() && isSeen() ? { now, at } : null;
      if (last === null || shown) return;
      shown = true;
      report.add(timed && metric.kind === "ratio" ? { metric: name, count: 1 } : {});
      report.send();
    }

    function flush(least) {
      tick();
      const seconds = Math.round(Math.min(watched, left) * 100) / 100;
      if (timed && shown && seconds > 0 && watched >= least) {
        left -= seconds;
        watched = 0;
        report.add({ metric: name, seconds });
      }
      report.send();
    }

    for (const kind of ["playing", "timeupdate", "seeking", "seeked", "waiting", "emptied"]) {
      video.addEventListener(kind, tick);
    }
    for (const kind of ["pause", "ended"]) video.addEventListener(kind, () => flush(LEAST_S));
    // When it is hidden no more is watched: what was, up to then, is counted before that is seen.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") flush(0);
      else tick();
    });
    addEventListener("pagehide", () => flush(0));
    watchView(video, (seen) => {
      inView = seen;
      tick();
    });
  }

  // What is shown without the experiment; `data-usual` is loaded only when that is known.
  function usualOf(video) {
    return video.getAttribute("src") || video.dataset.usual;
  }

  function showUsual(video) {
    if (!video.getAttribute("src") && usualOf(video)) video.src = usualOf(video);
  }

  // An address works for some minutes. Browsers ask in vain for a while when it has ended: who waits
  // then is led to the next, at the same place. Where the first one gives no video at all, the page's
  // own comes back, and `tell` is called.
  function show(video, address, livesS, tell) {
    const usual = usualOf(video);
    let since = 0;
    let timer = null;
    let came = false;
    let lost = false;

    function giveUp() {
      const plays = !video.paused;
      lost = true;
      tell();
      if (usual) video.src = usual;
      else video.removeAttribute("src");
      video.load();
      if (plays) video.play().catch(() => {});
    }

    function load() {
      since = performance.now();
      video.src = address;
    }

    function renew() {
      timer = null;
      const waits = (!video.paused || video.seeking) && !video.ended && video.readyState < 3;
      if (!waits && !video.error) return;
      if (performance.now() - since <= livesS * 1000) return expect();
      const place = video.currentTime;
      const plays = !video.paused;
      video.addEventListener("loadedmetadata", () => (video.currentTime = place), { once: true });
      load();
      if (plays) video.play().catch(() => {});
    }

    function expect() {
      if (lost) return;
      if (video.error && !came) giveUp();
      else timer ??= setTimeout(renew, STALLED_MS);
    }

    for (const kind of ["waiting", "stalled", "seeking", "error"]) {
      video.addEventListener(kind, expect);
    }
    load();
    video.addEventListener("loadedmetadata", () => (came = true), { once: true });
  }

  async function start(video) {
    if (running.has(video)) return running.get(video).assignment;
    const state = { assignment: null, report: null };
    const tell = () => {
      const detail = state.assignment;
      video.dispatchEvent(new CustomEvent("caption-ab", { detail, bubbles: true }));
    };
    running.set(video, state);
    try {
      const found = await assign(video, unitOf(video));
      state.assignment = found;
      if (found.variant === null) showUsual(video);
      else {
        const address = new URL(found.video);
        address.searchParams.set("clip", video.dataset.clip || "0");
        state.report = reporter(video, found);
        observe(video, found, state.report);
        show(video, address.href, found.video_lives_s, () => {
          state.report.close();
          state.assignment = { ...found, variant: null, failed: "video" };
          console.warn("Caption AB: the experiment's video could not be loaded.");
          tell();
        });
      }
    } catch (error) {
      // The page's own video stays, and nothing is counted.
      const why = error instanceof TypeError ? `Does the key name ${location.origin}?` : "";
      console.warn(`Caption AB: ${why}`, error);
      showUsual(video);
    }
    tell();
    return state.assignment;
  }

  // Count what a viewer has done, such as a click on what the video is for.
  function count(video, metric) {
    const report = running.get(video)?.report;
    report?.add({ metric });
    report?.send();
  }

  function startAll() {
    document.querySelectorAll("video[data-caption-ab]").forEach(start);
  }

  window.captionAB = { start, count };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", startAll);
  else startAll();
})();
