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
  CLUSTERDOWN: { code: 'store-unreachable', hint: 'see `redis-cli cluster info`' },
  MOVED: { code: 'store-unreachable', hint: 'this is a node of a cluster: write redis+cluster://' },
  CROSSSLOT: { code: 'store-unreachable', hint: 'this is a node of a cluster: write redis+cluster://' },
};

type Failure = 'store-unreachable' | 'store-unreadable' | 'store-unwritable';

/** What the library threw, as an error with a code. Errors that have one stay as they are. */
export function redisFailure(place: string, cause: unknown): RigilError {
  if (cause instanceof RigilError) return cause;
  const message = messageOf(cause);
  const [word = ''] = message.split(' ');
  const answer = ANSWERS[word];
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
  const why = system ?? message.slice(0, 200);
  return new RigilError('store-unreachable', `${place} does not answer (${why})`, { cause });
}

/** Whether Redis is there and refuses: another attempt would be refused too. */
export function isAnswer(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}
