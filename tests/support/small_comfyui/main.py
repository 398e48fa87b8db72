"""The least of ComfyUI: its web interface for workflows, and the thread that runs them."""

from __future__ import annotations

import argparse
import asyncio
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import execution


class Server:
    def __init__(self, port: int) -> None:
        self.prompts: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.history: dict[str, Any] = {}
        self.count = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200, {"ok": True} if self.path == "/system_stats" else owner.found(self.path))

            def do_POST(self) -> None:
                prompt = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
                unknown = {
                    number: {"class_type": node["class_type"], "errors": [{"message": "Unknown node", "details": ""}]}
                    for number, node in prompt.items()
                    if node["class_type"] not in execution.NODES
                }
                if unknown:
                    self.answer(400, {"error": {"message": "Prompt outputs failed validation"}, "node_errors": unknown})
                    return
                owner.count += 1
                owner.prompts.put((f"prompt-{owner.count}", prompt))
                self.answer(200, {"prompt_id": f"prompt-{owner.count}"})

            def answer(self, code: int, value: Any) -> None:
                data = json.dumps(value).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)

    def found(self, path: str) -> dict[str, Any]:
        number = path.rpartition("/")[2]
        return {number: self.history[number]} if number in self.history else {}

    def work(self) -> None:
        while True:
            number, prompt = self.prompts.get()
            status = asyncio.run(execution.run(prompt, number))
            self.history[number] = {"status": status}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen")
    parser.add_argument("--port", type=int)
    parser.add_argument("--says", default="")
    arguments = parser.parse_args()
    print("ComfyUI says", arguments.says)
    server = Server(arguments.port)
    threading.Thread(target=server.work, daemon=True).start()
    try:
        server.http.serve_forever()
    except KeyboardInterrupt:
        print("stopped")
