import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { renewTickets } from '../../../src/proxy/tls/session-tickets.ts';

describe('renewTickets', () => {
  it('leaves a server alone whose Node lacks what it needs', () => {
    const keys = randomBytes(48);
    expect(renewTickets(createServer(), keys)).toBe(true);
    for (const server of [{}, { _sharedCreds: {} }, { _sharedCreds: { context: {} } }]) {
      expect(renewTickets(server as unknown as Server, keys)).toBe(false);
    }
  });
});
