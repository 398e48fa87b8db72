// Which transfer-lint to run. Knows nothing of VS Code, so that it can be tried without it.

import { existsSync } from "node:fs";
import * as path from "node:path";

/**
 * The command of the server: the one that the user set, else the one beside the Python interpreter, else the one on
 * PATH.
 */
export function serverCommand(
  setting: string,
  interpreter: string | undefined,
  exists: (file: string) => boolean = existsSync,
  platform: string = process.platform,
): string {
  if (setting.trim() !== "") {
    return setting.trim();
  }
  const windows = platform === "win32";
  const name = windows ? "transfer-lint.exe" : "transfer-lint";
  if (interpreter !== undefined) {
    const paths = windows ? path.win32 : path.posix;
    const folder = paths.dirname(interpreter);
    // Outside of a virtual environment, Windows keeps scripts in a folder below the interpreter.
    const folders = windows ? [folder, paths.join(folder, "Scripts")] : [folder];
    const found = folders.map((each) => paths.join(each, name)).find(exists);
    if (found !== undefined) {
      return found;
    }
  }
  return name;
}
