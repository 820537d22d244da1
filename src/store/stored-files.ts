import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Certificate } from '../certs/certificate.ts';
import { toCertificate } from '../certs/facts.ts';
import { RigilError } from '../errors.ts';
import { digestOf, type Meta, metaFromJson } from './meta-json.ts';
import { toSegment } from './segment.ts';

/** The files of one generation. */
export interface StoredFiles {
  readonly meta: string;
  readonly chain: string;
  readonly key: string;
}

/**
 * The certificate that the files of a generation hold.
 *
 * @param directory that of all its generations: it says whose it is
 * @throws RigilError `store-damaged` or `certificate-unusable` unless they are whole and belong together
 */
export function certificateIn(directory: string, { meta, chain, key }: StoredFiles): Certificate {
  const stored = metaIn(directory, meta);
  if (!belongTogether(stored, chain, key)) throw damage('meta.json is about another certificate');
  return { facts: stored.facts, chain, key };
}

/**
 * Whether facts are about this chain with this key.
 *
 * @throws RigilError `certificate-unusable` when chain and key do not belong together
 */
export function belongTogether({ facts, digest }: Meta, chain: string, key: string): boolean {
  // It was all parsed when it was stored: what is still the same is still good.
  return (
    digestOf(chain, key) === digest ||
    toCertificate(chain, key, facts).facts.fingerprint === facts.fingerprint
  );
}

/** What a `meta.json` says. @throws RigilError `store-damaged`, also when it is about a certificate of another place */
export function metaIn(directory: string, text: string): Meta {
  const meta = metaFromJson(text);
  if (meta === null) throw damage('meta.json is damaged');
  const { issuer, id } = meta.facts;
  if (toSegment(issuer) !== basename(dirname(directory)) || toSegment(id) !== basename(directory)) {
    throw damage(`it belongs to ${id} of ${issuer}`);
  }
  return meta;
}

/** A certificate that was read without a doubt, and who may read its key. */
export interface ReadNow {
  readonly certificate: Certificate;
  /** The mode of the file with the private key. */
  readonly keyMode: number;
}

/**
 * Reads the generation in force in the quickest way there is: a start has to read ten thousand. It holds up the process
 * meanwhile. Null when anything about it is unusual: then whoever asks must look closer, without haste.
 */
export function readNow(directory: string): ReadNow | null {
  const current = `${directory}/current`;
  try {
    const meta = readFileSync(`${current}/meta.json`, 'utf8');
    const chain = readFileSync(`${current}/fullchain.pem`, 'utf8');
    const file = openSync(`${current}/privkey.pem`, 'r');
    try {
      const keyMode = fstatSync(file).mode;
      const key = readFileSync(file, 'utf8');
      // Should the generation change meanwhile, the files of two of them do not belong together.
      return { certificate: certificateIn(directory, { meta, chain, key }), keyMode };
    } finally {
      closeSync(file);
    }
  } catch {
    return null;
  }
}

function damage(problem: string): RigilError {
  return new RigilError('store-damaged', problem);
}
