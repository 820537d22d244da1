import { afterEach, describe, expect, it, vi } from 'vitest';
import { startProgress } from '../../src/cli/progress.ts';

const STARTED = {
  event: 'certificate.obtain.started',
  id: 'one.test',
  issuer: 'internal',
  reason: 'there is no certificate yet',
} as const;

const PROBLEM = {
  event: 'store.problem',
  code: 'store-damaged',
  message: 'it is damaged',
  hint: null,
} as const;

describe('progress', () => {
  const { isTTY, columns } = process.stderr;
  afterEach(() => {
    vi.restoreAllMocks();
    Object.assign(process.stderr, { isTTY, columns });
  });

  it.each([
    ['no terminal', { isTTY: false, columns: 80 }],
    ['a terminal without a size, which a spinner would wipe for ever', { isTTY: true, columns: 0 }],
  ])('is plain lines on %s', async (_, stream) => {
    expect(await written(stream, false)).toBe(
      'obtaining one.test from internal: there is no certificate yet\nwarning: it is damaged\n',
    );
  });

  it('leaves out with quiet what nobody has to look at', async () => {
    expect(await written({ isTTY: true, columns: 80 }, true)).toBe('warning: it is damaged\n');
  });

  async function written(stream: { isTTY: boolean; columns: number }, quiet: boolean): Promise<string> {
    Object.assign(process.stderr, stream);
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const progress = await startProgress({ quiet });
    progress.listen(STARTED);
    progress.listen(PROBLEM);
    progress.end();
    const text = write.mock.calls.map(([chunk]) => String(chunk)).join('');
    return text.replace(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');
  }
});
