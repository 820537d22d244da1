import chalk from 'chalk';
import type { AccountView } from '../app/accounts.ts';
import { fields } from './fields.ts';

/** What there is to say of an account, for people. */
export function accountLines({
  issuer,
  directory,
  email,
  eabKeyId,
  url,
  thumbprint,
  createdAt,
}: AccountView): string[] {
  return [
    chalk.bold(issuer),
    ...fields([
      ['directory', directory],
      ['account', url ?? 'none yet: the first order makes it'],
      ...(email === null ? [] : ([['email', email]] as const)),
      ...(eabKeyId === null ? [] : ([['bound to', eabKeyId]] as const)),
      ...(thumbprint === null ? [] : ([['key', `${thumbprint} (SHA-256, RFC 7638)`]] as const)),
      ...(createdAt === null ? [] : ([['made', createdAt]] as const)),
    ]),
  ];
}
