import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Programs that the tests talk to, with the Debian package that has each.
 * The tests of one that is absent are left out, and the summary of the run says so and how to get it.
 */
export const PEERS: Readonly<Record<string, string>> = {
  curl: 'curl',
  openssl: 'openssl',
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  pebble: 'pebble',
  'pebble-challtestsrv': 'pebble',
  named: 'bind9',
  certbot: 'certbot',
  wrk: 'wrk',
  nghttp: 'nghttp2-client',
  nghttpd: 'nghttp2-server',
  h2load: 'nghttp2-client',
  mandoc: 'mandoc',
  testssl: 'testssl.sh',
  'redis-server': 'redis-server',
  'systemd-analyze': 'systemd',
};

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/bin'];

/** Absolute path of a program, or null. `RIGIL_PEER_<NAME>` names another one than the first in PATH. */
export function find(name: string): string | null {
  const asked = process.env[`RIGIL_PEER_${name.toUpperCase().replaceAll('-', '_')}`];
  if (asked !== undefined) return asked;
  for (const folder of FOLDERS) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return null;
}

/**
 * Whether a program is there for the tests.
 *
 * @throws when it is absent and `RIGIL_REQUIRE_PEERS` is set: where the peers are compulsory, nothing is left out
 */
export function has(name: string): boolean {
  if (find(name) !== null) return true;
  if (process.env['RIGIL_REQUIRE_PEERS'] !== undefined) {
    throw new Error(`${name} is absent; Debian's package ${PEERS[name] ?? name} has it`);
  }
  return false;
}

/** Absolute path of a program that {@link has} found. */
export function peer(name: string): string {
  const path = find(name);
  if (path === null) throw new Error(`${name} is absent; Debian's package ${PEERS[name] ?? name} has it`);
  return path;
}

/** The peers that are not on this machine. */
export function absent(): { readonly name: string; readonly debianPackage: string }[] {
  return Object.entries(PEERS)
    .filter(([name]) => find(name) === null)
    .map(([name, debianPackage]) => ({ name, debianPackage }));
}
