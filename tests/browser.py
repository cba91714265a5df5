"""A real Chromium from the PATH, headless, for tests that look at what a person would see."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PLAYER = """<!doctype html><title>player</title><body><script>
const seen = [];
function play(names) {
  if (!names.length) { fetch('/seen', {method: 'POST', body: JSON.stringify(seen)}); return; }
  const video = document.createElement('video');
  const done = (error) => {
    video.ontimeupdate = video.onerror = null;
    seen.push({name: names[0], error, width: video.videoWidth, height: video.videoHeight,
               seconds: video.duration, played: video.currentTime});
    video.remove();
    play(names.slice(1));
  };
  video.muted = true;
  video.onerror = () => done(video.error.message);
  video.ontimeupdate = () => { if (video.currentTime > 0.3) done(''); };
  video.src = names[0];
  document.body.append(video);
  video.play().catch(error => done(String(error)));
}
play(NAMES);
</script>"""


def find_chromium() -> str | None:
    """The Chromium on the PATH, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def play_videos(chromium: str, folder: Path, names: list[str], profile: Path) -> list[dict]:
    """Play files of a folder one after the other; says size, length and how far each got."""
    answers: queue.Queue[list[dict]] = queue.Queue()

    class Server(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))

        def do_GET(self) -> None:
            if self.path != "/player":
                super().do_GET()
                return
            page = PLAYER.replace("NAMES", json.dumps(names)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self) -> None:
            answers.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/player"
    browser = subprocess.Popen(
        [chromium, *FLAGS, f"--user-data-dir={profile}", url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return answers.get(timeout=60)
    finally:
        browser.terminate()
        browser.wait(20)
        server.shutdown()
        server.server_close()
        thread.join()
