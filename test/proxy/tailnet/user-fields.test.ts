import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { userFields } from '../../../src/proxy/tailnet/user-fields.ts';

const said = (user: object, node: object = {}) => JSON.stringify({ Node: node, UserProfile: user });
const ALICE = {
  LoginName: 'alice@example.com',
  DisplayName: 'Alice Smith',
  ProfilePicURL: 'https://x/a.png',
};

describe('the fields for a user', () => {
  it('are login, name and picture', () => {
    expect(userFields(said(ALICE))).toEqual([
      'Tailscale-User-Login',
      'alice@example.com',
      'Tailscale-User-Name',
      'Alice Smith',
      'Tailscale-User-Profile-Pic',
      'https://x/a.png',
    ]);
  });

  it('are none for a device with tags', () => {
    expect(userFields(said({ LoginName: 'tagged-devices' }, { Tags: ['tag:server'] }))).toEqual([]);
    expect(userFields(said(ALICE, { Tags: [] }))).toContain('alice@example.com');
  });

  it('lack what is not told', () => {
    expect(userFields(said({ LoginName: 'a@b', DisplayName: '', ProfilePicURL: 'no url at all' }))).toEqual([
      'Tailscale-User-Login',
      'a@b',
    ]);
  });

  it('encode what is not ASCII in words that mail programs read', () => {
    const name = 'Zoë = «☕» 日本語の名前はとても長いことがあります';
    const [, , , value = ''] = userFields(said({ LoginName: 'z@x', DisplayName: name })) ?? [];
    expect(value).toMatch(/^(=\?utf-8\?q\?[!-~]+\?= ?)+$/);
    expect(value.split(' ').every((word) => word.length <= 75)).toBe(true);
    const bytes = value
      .split(' ')
      .map((word) => word.slice('=?utf-8?q?'.length, -'?='.length))
      .join('')
      .replaceAll('_', ' ')
      .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    expect(Buffer.from(bytes, 'latin1').toString('utf8')).toBe(name);
  });

  it.each([
    '',
    'hello',
    '[]',
    'null',
    '{}',
    '{"Node":{}}',
    said({}),
    said({ LoginName: 7 }),
    said({ LoginName: '' }),
  ])('are unknown when the answer is %j', (json) => {
    expect(userFields(json)).toBeNull();
  });

  it('can never make lines of their own', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(text, text, text, (login, name, picture) => {
        const fields =
          userFields(said({ LoginName: login, DisplayName: name, ProfilePicURL: picture })) ?? [];
        for (const field of fields) expect(field).toMatch(/^[ -~]*$/);
      }),
    );
  });
});
