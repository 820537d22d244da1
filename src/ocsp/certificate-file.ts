import { open } from 'node:fs/promises';
import { messageOf, RigilError, systemCodeOf } from '../errors.ts';
import { type OcspCertificate, readCertificates } from './certificate.ts';
import { printable } from './printable.ts';

/**
 * The certificates of a file in PEM or DER.
 *
 * @throws RigilError `target-unreadable`
 */
export async function readCertificateFile(path: string): Promise<OcspCertificate[]> {
  const bytes = await readBytes(path);
  try {
    return readCertificates(bytes);
  } catch (cause) {
    throw new RigilError('target-unreadable', `${printable(path)}: ${messageOf(cause)}`, {
      hint: 'the file must have a certificate in PEM (-----BEGIN CERTIFICATE-----) or DER, the leaf first',
      cause,
    });
  }
}

/** Far more than any chain; who names a wrong file gets an error and not a full memory. */
const LARGEST_FILE = 1024 * 1024;

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > LARGEST_FILE)
        throw new RigilError('target-unreadable', `${printable(path)} is larger than 1 MiB`);
    }
    return Buffer.concat(chunks);
  } catch (cause) {
    if (cause instanceof RigilError) throw cause;
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): RigilError {
  const code = systemCodeOf(cause);
  const why =
    code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : messageOf(cause);
  return new RigilError('target-unreadable', `cannot read ${printable(path)}: ${why}`, { cause });
}
