import { idleConnections } from './idle-connections.ts';

/*
 * `npm run attack:idle [COUNT]`: 20 000 TLS connections that are open and do nothing. They need as many descriptors in
 * the processes of the clients, 5 000 each, and in the workers.
 */
const count = Number(process.argv[2] ?? 20_000);
/** Of one connection, in bytes: some 41 KiB are those of OpenSSL and Node, 14 of them the key exchange with ML-KEM. */
const LIMIT = 102_400;
const MIB = 2 ** 20;

const { before, after, perConnection, connections, requestMs } = await idleConnections(count, 4);
process.stdout.write(
  `${connections} TLS connections, all processes of the daemon together:
  before      ${(before / MIB).toFixed(0)} MiB
  with them   ${(after / MIB).toFixed(0)} MiB
  each        ${(perConnection / 1024).toFixed(1)} KiB
  a new connection and its request took ${requestMs.toFixed(0)} ms, with the start of a client\n`,
);
if (perConnection > LIMIT) {
  process.stdout.write(`more than ${LIMIT} bytes each\n`);
  process.exitCode = 1;
}
