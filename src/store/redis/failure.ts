import { messageOf, RigilError, systemCodeOf } from '../../errors.ts';

/** Errors that Redis itself answers with begin with a word that says which one it is; with what a person can do. */
const ANSWERS: Readonly<Record<string, { readonly code: Failure; readonly hint: string }>> = {
  NOAUTH: { code: 'store-unreadable', hint: 'Redis wants a password: write redis://user:password@host' },
  WRONGPASS: { code: 'store-unreadable', hint: 'the user or the password in the URL is wrong' },
  NOPERM: {
    code: 'store-unreadable',
    hint: 'give the user the commands and keys that docs/fleet.md lists (ACL SETUSER)',
  },
  OOM: { code: 'store-unwritable', hint: 'Redis has reached its `maxmemory`: give it more' },
  MISCONF: { code: 'store-unwritable', hint: 'Redis cannot write to its disk: see its log' },
  READONLY: {
    code: 'store-unwritable',
    hint: 'this is a replica: name the master, or use redis+sentinel://',
  },
  NOREPLICAS: {
    code: 'store-unwritable',
    hint: 'Redis has fewer replicas than `min-replicas-to-write` asks for',
  },
  LOADING: { code: 'store-unreachable', hint: 'Redis is reading its data from its disk: wait' },
  MASTERDOWN: { code: 'store-unreachable', hint: 'a failover is under way: wait' },
  BUSY: { code: 'store-unreachable', hint: "somebody's script runs for too long: see SCRIPT KILL" },
  CLUSTERDOWN: { code: 'store-unreachable', hint: 'see `redis-cli cluster info`' },
  MOVED: { code: 'store-unreachable', hint: 'this is a node of a cluster: write redis+cluster://' },
  CROSSSLOT: { code: 'store-unreachable', hint: 'this is a node of a cluster: write redis+cluster://' },
};

/** Answers that have no word of their own, by how they begin. */
const WORDLESS: typeof ANSWERS = {
  'ERR max number of clients reached': {
    code: 'store-unreachable',
    hint: 'Redis has as many connections as its `maxclients` allows',
  },
  'ERR DB index is out of range': {
    code: 'store-unreadable',
    hint: 'the URL ends with the number of a database: Redis has as many as its `databases` says, 16 by default',
  },
};

/** Reasons of OpenSSL and Node not to believe a certificate begin so. */
const UNTRUSTED = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|HOSTNAME_MISMATCH|INVALID_)/;

type Failure = 'store-unreachable' | 'store-unreadable' | 'store-unwritable';

/** What the library threw, as an error with a code. Errors that have one stay as they are. */
export function redisFailure(place: string, thrown: unknown): RigilError {
  if (thrown instanceof RigilError) return thrown;
  const cause = lastOfNodes(thrown);
  const message = messageOf(cause);
  const answer =
    ANSWERS[answerWord(cause)] ?? Object.entries(WORDLESS).find(([text]) => message.startsWith(text))?.[1];
  if (answer !== undefined) {
    return new RigilError(answer.code, `${place} answers: ${message.slice(0, 200)}`, {
      hint: answer.hint,
      cause,
    });
  }
  if (isAnswer(cause)) {
    return new RigilError('store-unreadable', `${place} answers: ${message.slice(0, 200)}`, { cause });
  }
  const system = systemCodeOf(cause);
  if (isUntrusted(cause)) {
    return new RigilError(
      'store-unreachable',
      `the certificate of ${place} is not to be trusted (${system})`,
      {
        hint:
          system === 'ERR_TLS_CERT_ALTNAME_INVALID'
            ? 'the URL has to name Redis as its certificate does'
            : 'name the roots that it is from: ca=FILE behind the URL',
        cause,
      },
    );
  }
  if (/\b(NOAUTH|WRONGPASS)\b/.test(message)) {
    return new RigilError('store-unreachable', `the sentinels of ${place} refuse: ${message.slice(0, 200)}`, {
      hint: 'they have a password of their own: sentinel-password= behind the URL',
      cause,
    });
  }
  const why = system ?? message.slice(0, 200);
  return new RigilError('store-unreachable', `${place} does not answer (${why})`, { cause });
}

/**
 * The word that says which error an answer is. Redis 6 puts that of a command in a script behind where it happened:
 * `ERR Error running script (call to f_…): @user_script:3: -OOM command not allowed …`.
 */
export function answerWord(error: unknown): string {
  const message = messageOf(error);
  const [, inScript] =
    /@user_script: ?\d+: -?([A-Z]+) /.exec(message.startsWith('ERR ') ? message : '') ?? [];
  return inScript ?? message.split(' ')[0] ?? '';
}

/** Whether somebody else may be there than the one that is meant. */
export function isUntrusted(error: unknown): boolean {
  return UNTRUSTED.test(systemCodeOf(error) ?? '');
}

/** Why the last node of a cluster could not be asked, where that is what happened. */
function lastOfNodes(error: unknown): unknown {
  return error instanceof Error && 'lastNodeError' in error && error.lastNodeError instanceof Error
    ? error.lastNodeError
    : error;
}

/** What Redis answers when it refuses. */
type Answer = Error & { readonly command?: { readonly name?: string } };

/** Whether Redis is there and refuses: another attempt would be refused too. */
export function isAnswer(error: unknown): error is Answer {
  return error instanceof Error && error.name === 'ReplyError';
}
