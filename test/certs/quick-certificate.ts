import { generateKeyPairSync } from 'node:crypto';
import type { Issued } from '../../src/certs/ports.ts';
import { isIpAddress } from '../../src/x509/ip-address.ts';
import { toPem } from '../../src/x509/pem.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEY = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const PUBLIC_KEY = publicKey.export({ type: 'spki', format: 'der' });

let serial = 0;

/**
 * A certificate that passes for a real one until somebody checks its signature, made in a fraction of a millisecond: a
 * simulation needs thousands. All have the same key.
 */
export function quickCertificate(names: readonly string[], notBefore: number, notAfter: number): Issued {
  serial += 1;
  const algorithm = sequence(oid('2a8648ce3d040302'));
  const version = element(0xa0, element(0x02, Buffer.from([2])));
  const number = element(0x02, Buffer.from((0x10000000 + serial).toString(16), 'hex'));
  const validity = sequence(time(notBefore), time(notAfter));
  const subject = sequence(element(0x31, sequence(oid('550403'), element(0x0c, Buffer.from('test')))));
  const alternative = sequence(
    ...names.filter((name) => !isIpAddress(name)).map((name) => element(0x82, Buffer.from(name))),
  );
  const authority = sequence(element(0x80, Buffer.alloc(20, 1)));
  const extensions = element(
    0xa3,
    sequence(extension('551d11', alternative), extension('551d23', authority)),
  );
  const tbs = sequence(version, number, algorithm, subject, validity, subject, PUBLIC_KEY, extensions);
  const signature = element(
    0x03,
    Buffer.concat([
      Buffer.from([0]),
      sequence(element(0x02, Buffer.from([1])), element(0x02, Buffer.from([1]))),
    ]),
  );
  return { chain: toPem('CERTIFICATE', sequence(tbs, algorithm, signature)), key: KEY };
}

function element(tag: number, contents: Uint8Array): Buffer {
  const { length } = contents;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), contents]);
}

function sequence(...elements: Uint8Array[]): Buffer {
  return element(0x30, Buffer.concat(elements));
}

function oid(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, 'hex'));
}

function extension(id: string, value: Uint8Array): Buffer {
  return sequence(oid(id), element(0x04, value));
}

function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replaceAll(/[-T:]/g, '').slice(0, 14);
  return element(0x18, Buffer.from(`${digits}Z`));
}
