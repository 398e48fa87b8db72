import assert from "node:assert/strict";
import { test } from "node:test";
import { serverCommand } from "../command";

const none = () => false;
const all = () => true;

test("what the user set comes first", () => {
  assert.equal(serverCommand(" /opt/transfer-lint ", "/venv/bin/python", all, "linux"), "/opt/transfer-lint");
});

test("then the one beside the interpreter", () => {
  assert.equal(serverCommand("", "/venv/bin/python", all, "linux"), "/venv/bin/transfer-lint");
  assert.equal(serverCommand("", "C:\\venv\\Scripts\\python.exe", all, "win32"), "C:\\venv\\Scripts\\transfer-lint.exe");
});

test("on Windows scripts may be in a folder below the interpreter", () => {
  const exists = (file: string) => file === "C:\\Python\\Scripts\\transfer-lint.exe";
  assert.equal(serverCommand("", "C:\\Python\\python.exe", exists, "win32"), "C:\\Python\\Scripts\\transfer-lint.exe");
});

test("then the one on PATH", () => {
  assert.equal(serverCommand("", undefined, all, "linux"), "transfer-lint");
  assert.equal(serverCommand("", "/venv/bin/python", none, "linux"), "transfer-lint");
});
