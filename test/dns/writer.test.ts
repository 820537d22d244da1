import { describe, expect, it } from 'vitest';
import { providerOf, type RecordWriter } from '../../src/dns/writer.ts';
import { RigilError } from '../../src/errors.ts';
import { leapingClock } from './clock.ts';
import { cnames, testPorts } from './ports.ts';
import { challengeFor, never } from './records.ts';

const RECORD = challengeFor('acme.test');

/** A writer that notes what it does, with its two acts replaced. */
function writer(acts: Partial<RecordWriter> = {}) {
  const done: string[] = [];
  const noted: RecordWriter = {
    followsCnames: acts.followsCnames ?? false,
    async add(record, signal) {
      done.push(`add ${record.name}`);
      await acts.add?.(record, signal);
    },
    async remove(record, signal) {
      done.push(`remove ${record.name}`);
      await acts.remove?.(record, signal);
    },
  };
  return { done, writer: noted };
}

const ports = (known = {}, secrets: readonly string[] = []) => ({
  ...testPorts({ clock: leapingClock({ upToMs: 60_000 }), resolver: cnames(known) }),
  secrets,
});

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('cut off')), { once: true }),
  );

describe('a provider', () => {
  it.each([
    ['a value with quotes', { value: `"${'a'.repeat(41)}"` }],
    ['a value that is too long', { value: 'a'.repeat(44) }],
    ['a name with a space', { name: '_acme-challenge.a b.test' }],
    ['a name with a quote', { name: '_acme-challenge.a".test' }],
    ['a name that is an option', { name: '-x.test' }],
    ['a domain with a newline', { domain: 'a\n.test' }],
    ['a domain that is a wildcard', { domain: '*.acme.test' }],
    ['a token with a slash', { token: '../x' }],
    ['a key authorization of three parts', { keyAuthorization: 'a.b.c' }],
    ['a key authorization with a quote', { keyAuthorization: "a.b'" }],
  ])('passes nothing on that has %s', async (_, part) => {
    const { done, writer: inner } = writer();
    await expect(
      providerOf('x', inner, ports()).present({ ...RECORD, ...part }, never),
    ).rejects.toMatchObject({
      code: 'internal',
    });
    expect(done).toEqual([]);
  });

  it('passes names on in lower case and without a final dot', async () => {
    const { done, writer: inner } = writer();
    await providerOf('x', inner, ports()).present({ ...RECORD, name: '_ACME-challenge.Acme.Test.' }, never);
    expect(done).toEqual(['add _acme-challenge.acme.test']);
  });

  it('removes from where it added, also when the CNAME has changed since', async () => {
    const { done, writer: inner } = writer({ followsCnames: true });
    const known: Record<string, string> = { [RECORD.name]: 'proofs.test' };
    const remove = await providerOf('x', inner, ports(known)).present(RECORD, never);
    delete known[RECORD.name];
    await remove();
    expect(done).toEqual(['add proofs.test', 'remove proofs.test']);
  });

  it('adds all values of a name at one place, and looks again when none is left', async () => {
    const { done, writer: inner } = writer({ followsCnames: true });
    const known: Record<string, string> = { [RECORD.name]: 'proofs.test' };
    const one = providerOf('x', inner, ports(known));
    const removeFirst = await one.present(RECORD, never);
    known[RECORD.name] = 'elsewhere.test';
    const removeSecond = await one.present(challengeFor('acme.test', 'second'), never);
    await removeFirst();
    await removeFirst();
    const removeThird = await one.present(challengeFor('acme.test', 'third'), never);
    await removeSecond();
    await removeThird();
    await one.present(RECORD, never);
    expect(done.filter((act) => act.startsWith('add'))).toEqual([
      'add proofs.test',
      'add proofs.test',
      'add proofs.test',
      'add elsewhere.test',
    ]);
  });

  it('undoes an addition of which it is not known whether it was made', async () => {
    const failed = async () => {
      throw new RigilError('dns-provider-failed', 'cut off');
    };
    const { done, writer: inner } = writer({ add: failed });
    await expect(providerOf('x', inner, ports()).present(RECORD, never)).rejects.toMatchObject({
      message: 'cut off',
    });
    expect(done).toHaveLength(2);
  });

  it('undoes nothing after a refusal', async () => {
    const refused = async () => {
      throw new RigilError('dns-provider-refused', 'no');
    };
    const { done, writer: inner } = writer({ add: refused });
    await expect(providerOf('x', inner, ports()).present(RECORD, never)).rejects.toMatchObject({
      code: 'dns-provider-refused',
    });
    expect(done).toHaveLength(1);
  });

  it('tells of the first failure, not of that of the undoing', async () => {
    const fail = (message: string) => async () => {
      throw new RigilError('dns-provider-failed', message);
    };
    const { writer: inner } = writer({ add: fail('first'), remove: fail('second') });
    await expect(providerOf('x', inner, ports()).present(RECORD, never)).rejects.toMatchObject({
      message: 'first',
    });
  });

  it('does nothing when it was aborted before', async () => {
    const { done, writer: inner } = writer();
    const aborted = AbortSignal.abort(new RigilError('issuance-timed-out', 'too late'));
    await expect(providerOf('x', inner, ports()).present(RECORD, aborted)).rejects.toMatchObject({
      code: 'issuance-timed-out',
    });
    expect(done).toEqual([]);
  });

  it('undoes an addition that was made while it was aborted', async () => {
    const abort = new AbortController();
    const { done, writer: inner } = writer({ add: async () => abort.abort() });
    await expect(providerOf('x', inner, ports()).present(RECORD, abort.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(done).toHaveLength(2);
  });

  it('gives a clean-up that hangs a minute, and says what is left behind', async () => {
    const { writer: inner } = writer({ remove: (_, signal) => untilAborted(signal) });
    const remove = await providerOf('x', inner, ports()).present(RECORD, never);
    await expect(remove()).rejects.toMatchObject({
      code: 'dns-provider-failed',
      message: expect.stringContaining('60 s'),
      hint: expect.stringContaining(RECORD.value),
    });
  });

  it('shows no secret in messages and hints', async () => {
    const leaking = async () => {
      throw new RigilError('dns-provider-refused', 'bad token s3cr3t-token!', {
        hint: 's3cr3t-token is bad, on is not',
      });
    };
    const { writer: inner } = writer({ add: leaking });
    await expect(
      providerOf('x', inner, ports({}, ['s3cr3t-token', 'on'])).present(RECORD, never),
    ).rejects.toMatchObject({
      code: 'dns-provider-refused',
      message: 'bad token ***!',
      hint: '*** is bad, on is not',
    });
  });
});
