import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { messageOf } from '../../errors.ts';
import type { UpstreamTlsConfig, UpstreamTlsMaterial } from '../config.ts';
import { Fault } from '../fault.ts';
import type { FileText } from '../read-file.ts';
import { quote } from '../text/quote.ts';
import { isHostName } from '../values/host-name.ts';
import { readCertificates, readKeyFor } from '../values/pem-file.ts';
import { type ArgumentReader, type ArgumentType, NONE } from './argument.ts';
import { path } from './argument-types.ts';
import type { Option } from './arguments.ts';

/** The options of an `https://` upstream that concern TLS. */
export const TLS_OPTIONS = ['ca', 'servername', 'insecure', 'cert', 'key'] as const;

type Options = ReadonlyMap<string, Option>;

const serverName: ArgumentType<string> = {
  placeholder: 'NAME',
  description: null,
  parse: (text) => {
    if (isHostName(text)) return text.toLowerCase();
    const hint = isIP(text) === 0 ? null : 'an address has no server name (RFC 6066 3)';
    return new Fault('invalid-name', 'is not a host name', hint);
  },
};

/** How TLS is spoken; null when no option is about that, {@link NONE} after saying what is wrong. */
export function readUpstreamTls(
  input: ArgumentReader,
  options: Options,
): UpstreamTlsConfig | null | typeof NONE {
  const ca = optionValue(input, options.get('ca'), path);
  const name = optionValue(input, options.get('servername'), serverName);
  const certificate = optionValue(input, options.get('cert'), path);
  const key = optionValue(input, options.get('key'), path);
  const insecure = options.get('insecure');
  if (ca === NONE || name === NONE || certificate === NONE || key === NONE) return NONE;
  if (!fitTogether(input, options)) return NONE;
  if (insecure !== undefined) {
    const message = 'whoever answers is taken for this upstream: its certificate is not verified';
    input.report(insecure.word, 'unverified-upstream', message, 'name the roots to trust with ca=FILE');
  }
  const settings = { serverName: name, insecure: insecure !== undefined, ca, certificate, key };
  if (!TLS_OPTIONS.some((option) => options.has(option))) return null;
  const material = readMaterial(input, options, settings);
  return material === NONE ? NONE : { ...settings, material };
}

function optionValue<T>(
  input: ArgumentReader,
  option: Option | undefined,
  type: ArgumentType<T>,
): T | null | typeof NONE {
  return option === undefined ? null : input.parse(option.word, option.value, type);
}

function fitTogether(input: ArgumentReader, options: Options): boolean {
  const [ca, insecure, certificate, key] = ['ca', 'insecure', 'cert', 'key'].map((name) => options.get(name));
  if (ca !== undefined && insecure !== undefined) {
    const message = 'with insecure there is nothing to verify by the roots of ca=';
    input.report(insecure.word, 'option-conflict', message, 'leave out insecure');
    return false;
  }
  const alone = certificate === undefined ? key : key === undefined ? certificate : undefined;
  if (alone === undefined) return true;
  const other = alone === key ? 'cert=FILE' : 'key=FILE';
  input.report(alone.word, 'missing-option', `${alone.key} needs ${other} beside it`);
  return false;
}

/** Whether OpenSSL takes all of it together: keys may be too weak for it, chains out of order. */
function isUsable(
  input: ArgumentReader,
  options: Options,
  { ca, certificate, key }: Omit<UpstreamTlsMaterial, 'id'>,
): boolean {
  if (ca === null && (certificate === null || key === null)) return true;
  try {
    createSecureContext({
      ...(ca === null ? {} : { ca }),
      ...(certificate === null || key === null ? {} : { cert: certificate, key }),
    });
    return true;
  } catch (error) {
    const word = options.get('cert')?.word ?? options.get('ca')?.word ?? input.directive;
    input.report(word, 'unusable-file', `OpenSSL does not take what is in the files: ${messageOf(error)}`);
    return false;
  }
}

/** What is in the files; null where they are not looked at, or where a check is made without them. */
function readMaterial(
  input: ArgumentReader,
  options: Options,
  { serverName: name, insecure, ...paths }: Omit<UpstreamTlsConfig, 'material'>,
): UpstreamTlsMaterial | null | typeof NONE {
  const { readFile, mode } = input.context;
  if (readFile === null) return null;
  let verdict: typeof NONE | null = null;
  const read = (option: string, file: string | null, parse: (text: FileText) => string | Fault) => {
    const word = options.get(option)?.word;
    if (file === null || word === undefined) return null;
    const found = readFile(file);
    const content = found instanceof Fault ? found : parse(found);
    if (!(content instanceof Fault)) return content;
    // Whoever checks a configuration elsewhere does not have its files, and need not.
    const isLack = content.code === 'unreadable-file' && mode === 'check';
    const severity = isLack ? 'warning' : 'error';
    input.report(word, content.code, `${quote(file)} ${content.message}`, content.hint, severity);
    if (!isLack) verdict = NONE;
    return null;
  };
  const ca = read('ca', paths.ca, readCertificates);
  const certificate = read('cert', paths.certificate, readCertificates);
  const key = certificate === null ? null : read('key', paths.key, (text) => readKeyFor(text, certificate));
  if (verdict !== null || !isUsable(input, options, { ca, certificate, key })) return NONE;
  const id = createHash('sha256')
    .update(JSON.stringify([name, insecure, ca, certificate, key]))
    .digest('hex');
  return { id, ca, certificate, key };
}
