import { createPrivateKey, X509Certificate } from 'node:crypto';
import { certificatesOf, splitPem } from '../../x509/pem.ts';
import { belongsTo } from '../../x509/private-key.ts';
import { Fault } from '../fault.ts';
import type { FileText } from '../read-file.ts';

/** The certificates of a file, each once and in order, without what stands around them. */
export function readCertificates(file: FileText): string | Fault {
  const known = read.get(file);
  if (known !== undefined) return known;
  const certificates = certificatesIn(file.text);
  read.set(file, certificates);
  return certificates;
}

/** The private key of a file for the first certificate of `certificates`. No message has a part of it. */
export function readKeyFor({ text }: FileText, certificates: string): string | Fault {
  const block = splitPem(text).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined) return unusable('holds no private key in PEM');
  if (block.label.startsWith('ENCRYPTED')) {
    return unusable(
      'is locked with a password',
      'write it unlocked with: openssl pkey -in FILE -out FILE.new',
    );
  }
  try {
    const key = createPrivateKey(block.text);
    if (belongsTo(key, new X509Certificate(certificates))) return block.text;
  } catch {
    return unusable('holds a private key that cannot be read');
  }
  return unusable('holds the key of another certificate');
}

/** A bundle of all public roots takes a while, and each of many routes may name it. */
const read = new WeakMap<FileText, string | Fault>();

function certificatesIn(text: string): string | Fault {
  const blocks = [...new Set(certificatesOf(text).map((block) => block.text))];
  if (blocks.length === 0) {
    return unusable(
      'holds no certificate in PEM',
      'it has to have a part that begins with BEGIN CERTIFICATE',
    );
  }
  const broken = blocks.findIndex((block) => !isCertificate(block));
  if (broken >= 0) return unusable(`holds certificates, of which number ${broken + 1} cannot be read`);
  return blocks.join('');
}

function isCertificate(block: string): boolean {
  try {
    new X509Certificate(block);
    return true;
  } catch {
    return false;
  }
}

function unusable(message: string, hint: string | null = null): Fault {
  return new Fault('unusable-file', message, hint);
}
