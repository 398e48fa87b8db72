// Starts the language server of the chosen Python interpreter, and again when another one is chosen.

import * as vscode from "vscode";
import { LanguageClient } from "vscode-languageclient/node";
import { serverCommand } from "./command";

const SECTION = "transfer-lint";

/** What is used of the Python extension: the interpreter that the user has chosen. */
interface PythonExtension {
  environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
    resolveEnvironment(environment: {
      path: string;
    }): Promise<{ executable: { uri: vscode.Uri | undefined } } | undefined>;
    onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

let client: LanguageClient | undefined;
let latest = Promise.resolve();

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("transfer-lint.restart", restart),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration(`${SECTION}.path`)) {
        await restart();
      }
    }),
  );
  const python = await pythonExtension();
  if (python !== undefined) {
    context.subscriptions.push(python.environments.onDidChangeActiveEnvironmentPath(restart));
  }
  await restart();
}

export async function deactivate(): Promise<void> {
  await latest;
  await client?.stop();
}

/** Stop the server, if one runs, and start the one that is wanted now. One restart at a time. */
function restart(): Promise<void> {
  latest = latest.then(async () => {
    await client?.stop().catch(() => undefined); // it may have died already
    client = await started();
  });
  return latest;
}

async function started(): Promise<LanguageClient | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const configuration = vscode.workspace.getConfiguration(SECTION, folder);
  const command = serverCommand(configuration.get<string>("path", ""), await interpreter(folder));
  const next = new LanguageClient(
    SECTION,
    "transfer-lint",
    { command, args: ["server"] },
    {
      documentSelector: [
        { scheme: "file", language: "python" },
        { scheme: "untitled", language: "python" },
        { scheme: "vscode-notebook-cell", language: "python" },
      ],
      initializationOptions: { inlayHints: configuration.get<boolean>("inlayHints", false) },
      synchronize: { configurationSection: SECTION },
    },
  );
  try {
    await next.start();
    return next;
  } catch (error) {
    const hint = `pip install "transfer-lint[server]", or set ${SECTION}.path`;
    void vscode.window.showErrorMessage(`transfer-lint: ${command} does not start (${String(error)}). ${hint}`);
    return undefined;
  }
}

async function interpreter(resource: vscode.Uri | undefined): Promise<string | undefined> {
  const environments = (await pythonExtension())?.environments;
  if (environments === undefined) {
    return undefined;
  }
  const resolved = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(resource));
  return resolved?.executable.uri?.fsPath;
}

async function pythonExtension(): Promise<PythonExtension | undefined> {
  const extension = vscode.extensions.getExtension<PythonExtension>("ms-python.python");
  return extension?.activate();
}
