import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { accountDocuments } from '../../src/acme/account-documents.ts';
import { http01 } from '../../src/acme/solvers/http-01.ts';
import { StoredAnswers, StoredBoard } from '../../src/challenges/stored-board.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { readLeaf } from '../../src/x509/leaf.ts';
import { describeAtPebbles, type Pebble, startPebble } from '../pebble.ts';
import { noSignal, orderFor, workbench } from './workbench.ts';

describeAtPebbles('a command beside a daemon, with a store of files', 'any', (programs) => {
  let pebble: Pebble;
  let directory: string;
  beforeAll(async () => {
    pebble = await startPebble(programs);
  });
  afterAll(() => pebble.stop());
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rigil-store-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const open = () => new FileStore({ directory, clock: systemClock, emit: () => {} });

  it('has its challenges answered by the daemon, and both have one account', async () => {
    const [atDaemon, atCommand] = [open(), open()];
    const daemon = workbench(pebble, {}, undefined, {
      accounts: accountDocuments(atDaemon.documents, atDaemon),
    });
    const faults: unknown[] = [];
    const answers = new StoredAnswers(atDaemon.documents, daemon.board, systemClock, (fault) =>
      faults.push(fault),
    );
    const stop = answers.watch();
    const command = workbench(pebble, {}, () => [http01(new StoredBoard(atCommand.documents, systemClock))], {
      accounts: accountDocuments(atCommand.documents, atCommand),
    });
    try {
      const { chain } = await command.issuer.issue(orderFor(['beside.example.org']), noSignal);
      expect(readLeaf(chain).names).toEqual(['beside.example.org']);
      await answers.look(noSignal);
      await daemon.issuer.issue(orderFor(['daemon.example.org']), noSignal);
      expect(faults).toEqual([]);
    } finally {
      stop();
    }
    const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    const accounts = files.filter(({ parentPath }) => parentPath.includes('/accounts/'));
    expect(accounts).toHaveLength(1);
    for (const { parentPath, name } of accounts) {
      expect((await stat(join(parentPath, name))).mode & 0o777).toBe(0o600);
      expect((await stat(parentPath)).mode & 0o777).toBe(0o700);
    }
    expect(files.filter(({ parentPath }) => parentPath.endsWith('/challenges'))).toEqual([]);
  });
});
