import type { ListenAddress } from '../config.ts';
import { Fault } from '../fault.ts';
import { parseCidr } from '../values/cidr.ts';
import { formatDuration, parseDuration } from '../values/duration.ts';
import { isHostName } from '../values/host-name.ts';
import { parseIssuerName } from '../values/issuer-name.ts';
import { parseListenAddress } from '../values/listen-address.ts';
import { parsePath, parseSocketPath } from '../values/path.ts';
import { parseRate } from '../values/rate.ts';
import { parseRedisUrl } from '../values/redis-url.ts';
import { parseResolver } from '../values/resolver.ts';
import { parseRouteName } from '../values/route-name.ts';
import { parseSealSource, type SealSource } from '../values/seal-source.ts';
import { parseDirectoryUrl, parseTcpUrl } from '../values/url.ts';
import type { ArgumentType } from './argument.ts';

export const listenAddress: ArgumentType<ListenAddress> = {
  placeholder: 'ADDR',
  description:
    'where to listen: `:443`, `192.0.2.1:443`, `[2001:db8::1]:443`, `localhost:443`, `unix:PATH` (a Unix socket) or `fd:N` (a socket inherited as descriptor N, as systemd passes it)',
  parse: (text, { baseDir }) => parseListenAddress(text, baseDir),
};

export const cidr: ArgumentType<string> = {
  placeholder: 'CIDR',
  description: 'a block of IP addresses such as `10.0.0.0/8` or `fd00::/8`, or one address',
  parse: parseCidr,
};

const LONGEST_DURATION_MS = 86_400_000;

/** A length of time of at least `leastMs` milliseconds and at most a day, in milliseconds. */
export function duration(leastMs: number): ArgumentType<number> {
  return {
    placeholder: 'DURATION',
    description: 'a length of time up to a day, such as `500ms`, `10s`, `2m` or `1h30m`',
    parse: (written) => {
      const ms = parseDuration(written);
      if (ms instanceof Fault || (ms >= leastMs && ms <= LONGEST_DURATION_MS)) return ms;
      const least = formatDuration(leastMs);
      return new Fault(
        'invalid-duration',
        `is not between ${least} and ${formatDuration(LONGEST_DURATION_MS)}`,
      );
    },
  };
}

export const rate: ArgumentType<number> = {
  placeholder: 'RATE',
  description: 'so many a second, minute or hour: `18/s`, `30/m`, `100/h`',
  parse: parseRate,
};

export const path: ArgumentType<string> = {
  placeholder: 'PATH',
  description: 'a path of the file system; a relative one begins at the folder of the configuration file',
  parse: (text, { baseDir }) => parsePath(text, baseDir),
};

export const socketPath: ArgumentType<string> = {
  placeholder: 'SOCKET',
  description: 'the path of a Unix socket; a relative one begins at the folder of the configuration file',
  parse: (text, { baseDir }) => parseSocketPath(text, baseDir),
};

export const directoryUrl: ArgumentType<string> = {
  placeholder: 'URL',
  description: 'the URL of an ACME directory, beginning with `https://`',
  parse: parseDirectoryUrl,
};

export const redisUrl: ArgumentType<string> = {
  placeholder: 'URL',
  description:
    '`redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS; `redis+sentinel://HOST[:PORT],…/MASTER[/database]` asks sentinels for the master, `redis+cluster://HOST[:PORT],…` names some nodes of a cluster (`rediss+…` with TLS)',
  secret: true,
  parse: parseRedisUrl,
};

/** Where the keys are that seal a store. */
export const sealSource: ArgumentType<SealSource> = {
  placeholder: 'env:NAME|file:PATH',
  description:
    'an environment variable or a file with keys of 32 random bytes in base64 or hex, separated by white space or commas, the newest first',
  // Somebody may write the key itself here.
  secret: true,
  parse: (text, { baseDir }) => parseSealSource(text, baseDir),
};

/** A password, shown to nobody. */
export const password: ArgumentType<string> = {
  placeholder: 'PASSWORD',
  description: null,
  secret: true,
  parse: (written) => (written === '' ? new Fault('invalid-text', 'is empty') : written),
};

export const tcpUrl: ArgumentType<{ readonly host: string; readonly port: number }> = {
  placeholder: 'tcp://HOST:PORT',
  description: null,
  parse: parseTcpUrl,
};

export const resolver: ArgumentType<string> = {
  placeholder: 'ADDR',
  description: 'the IP address of a DNS server, with a port unless it is 53: `9.9.9.9`, `[2620:fe::fe]:53`',
  parse: parseResolver,
};

export const email: ArgumentType<string> = {
  placeholder: 'ADDR',
  description: 'an e-mail address',
  parse: (text) => {
    const at = text.lastIndexOf('@');
    const good = at > 0 && /^[!-?A-~]{1,64}$/.test(text.slice(0, at)) && isHostName(text.slice(at + 1));
    if (good && !/^mailto:/i.test(text)) return text;
    const hint = /^mailto:/i.test(text) ? 'leave out "mailto:"' : 'write it like admin@example.com';
    return new Fault('invalid-email', 'is not an e-mail address', hint);
  },
};

export const issuerName: ArgumentType<string> = {
  placeholder: 'NAME',
  description: 'the name of an issuer: letters, digits, `.`, `_` and `-`, in any case',
  parse: parseIssuerName,
};

/** A domain without wildcard, with or without a dot or `*.` in front. */
export const domain: ArgumentType<string> = {
  placeholder: 'DOMAIN',
  description: 'a host name',
  parse: (text) => {
    const name = parseRouteName(text.replace(/^(\*?\.)/, ''));
    if (name instanceof Fault && name.code === 'name-never-matches') {
      return new Fault('invalid-name', 'ends with a dot', name.hint);
    }
    if (name instanceof Fault || (!name.startsWith('*.') && isHostName(name))) return name;
    return new Fault('invalid-name', 'is not a domain', 'write it like example.com');
  },
};

/** Anything that is not empty. */
export function text(placeholder: string, description: string | null = null): ArgumentType<string> {
  return {
    placeholder,
    description,
    parse: (written) => (written === '' ? new Fault('invalid-text', 'is empty') : written),
  };
}

/** The key of an external account binding: base64url (RFC 8555 7.3.4), or base64, which some CAs hand out. */
export const hmacKey: ArgumentType<string> = {
  placeholder: 'HMAC',
  description: 'the key that the CA gave, in base64url',
  secret: true,
  parse: (written) => {
    const key = written
      .replaceAll('+', '-')
      .replaceAll('/', '_')
      .replace(/={1,2}$/, '');
    if (/^[A-Za-z0-9_-]{2,4096}$/.test(key) && key.length % 4 !== 1) return key;
    return new Fault('invalid-text', 'is not a key in base64url', 'copy it as the CA shows it');
  },
};

/** A whole number from `least` to `most`. */
export function numberFrom(placeholder: string, least: number, most: number): ArgumentType<number> {
  return {
    placeholder,
    description: null,
    parse: (written) => {
      const value = /^\d{1,9}$/.test(written) ? Number(written) : Number.NaN;
      if (value >= least && value <= most) return value;
      return new Fault('invalid-number', `is not a number from ${least} to ${most}`);
    },
  };
}

/** A whole number from `least` to `most`, or the word `auto`. */
export function numberOrAuto(least: number, most: number): ArgumentType<number | 'auto'> {
  return {
    placeholder: 'auto|N',
    description: null,
    parse: (written) => {
      if (written.toLowerCase() === 'auto') return 'auto';
      const value = /^\d{1,9}$/.test(written) ? Number(written) : Number.NaN;
      if (value >= least && value <= most) return value;
      return new Fault('invalid-number', `is neither auto nor a number from ${least} to ${most}`);
    },
  };
}
