import { HEALTH_CHECK_DEFAULTS } from '../defaults.ts';
import { Fault } from '../fault.ts';
import { parseStatusRange } from '../values/status-range.ts';
import type { ArgumentType } from './argument.ts';
import { duration } from './argument-types.ts';
import { one, oneOf, options, someOptions } from './arguments.ts';
import { type Directive, grammarFor } from './directive.ts';
import type { RouteDraft } from './drafts.ts';

const { directive, form } = grammarFor<RouteDraft>();

const urlPath: ArgumentType<string> = {
  placeholder: 'PATH',
  description: null,
  parse: (text) =>
    /^\/[!-"$-~]*$/.test(text)
      ? text
      : new Fault('invalid-path', 'is no path of a URL', 'write it like /healthz; what is not ASCII as %41'),
};

const statusRange: ArgumentType<{ readonly first: number; readonly last: number }> = {
  placeholder: 'CODE[-CODE]',
  description: null,
  parse: parseStatusRange,
};

/** The directives of a route that say how its upstreams are dealt with. Centauri has none of them. */
export const balancingDirectives: readonly Directive<RouteDraft>[] = [
  directive({
    name: 'timeout',
    forms: [
      form(
        [someOptions({ connect: duration(1), response: duration(1), idle: duration(1) })],
        (draft, [{ connect, response, idle }]) => {
          draft.timeouts = {
            ...(connect === undefined ? {} : { connectMs: connect }),
            ...(response === undefined ? {} : { responseMs: response }),
            ...(idle === undefined ? {} : { idleMs: idle }),
          };
        },
      ),
    ],
    summary: 'How long the upstreams of this route may take',
    documentation:
      '`connect` is for agreeing on a connection, TLS included; `response` is from the end of the request to the head of the response. After either the client gets 504. How long the body of a response takes is not limited. `idle` is how long a connection is kept that nobody uses: less than the time after which the upstream hangs up, which is 5 s for servers of Node. Limits are noticed up to a quarter of a second late.',
    default: 'connect=5s response=1m idle=4s',
    examples: ['timeout response=10m', 'timeout connect=500ms idle=55s'],
  }),
  directive({
    name: 'balance',
    forms: [
      form([one(oneOf('random', 'round-robin', 'least-connections', 'sticky'))], (draft, [policy]) => {
        draft.balance = policy;
      }),
    ],
    summary: 'Which of several upstreams gets a request',
    documentation:
      "`random` is any of them, each as often as the others; `round-robin` is one after the other; `least-connections` is the one that has the fewest requests under way. `weight=` of an upstream counts with each of them. Every worker balances what it gets by itself.\n\n`sticky` lets a client stay with the upstream that it came to first, by a cookie: `rigil_sticky`, whose value says nothing about the upstream (HttpOnly, SameSite=Lax, Secure over TLS, for path /, until the browser ends). Its value stays the same over restarts and with all machines that share a store. While the client's upstream is away another one, picked at random, takes its place.\n\nUpstreams that are away, by `health-check` or because they could not be connected to or answered nobody, get nothing while another is there.",
    default: 'random',
    examples: ['balance round-robin', 'balance sticky'],
  }),
  directive({
    name: 'health-check',
    forms: [
      form(
        [one(urlPath), options({ interval: duration(100), timeout: duration(10), status: statusRange })],
        (draft, [path, { interval, timeout, status }]) => {
          draft.healthCheck = {
            path,
            intervalMs: interval ?? HEALTH_CHECK_DEFAULTS.intervalMs,
            timeoutMs: timeout ?? HEALTH_CHECK_DEFAULTS.timeoutMs,
            status: status ?? HEALTH_CHECK_DEFAULTS.status,
          };
        },
      ),
    ],
    summary: 'Asks every upstream of this route now and then whether it is well',
    documentation:
      'The control process asks each upstream for PATH with GET, every `interval`, over a connection of its own; the Host is the primary name of the route (that of the upstream where this is a wildcard). An upstream is down after two answers in a row that have no `status` of the range, or do not come within `timeout` (the second question follows the first after 1 s at most), and up again after one that is good. While it is down the other upstreams get its requests; should all be down, they are asked all the same.\n\nThe log says when an upstream goes down or comes up; `rigil status`, the status page and the metric rigil_upstream_up show it.',
    default: 'none',
    examples: ['health-check /healthz', 'health-check /ready interval=2s timeout=500ms status=204'],
  }),
];
