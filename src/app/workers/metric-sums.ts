import type { MetricValues } from '../../proxy/protocol.ts';

export const emptyMetrics: MetricValues = {
  tlsHello: {},
  responses: {},
  upstreamErrors: {},
  upstreamRetries: {},
  durations: {},
  handshakesWaited: 0,
  requestsWaited: 0,
  accessLogDropped: 0,
  connectionsRefused: {},
};

/** The figures of several workers as one. */
export function sumMetrics(all: readonly MetricValues[]): MetricValues {
  return {
    tlsHello: sumCounts(all.map((values) => values.tlsHello)),
    responses: sumCounts(all.map((values) => values.responses)),
    upstreamErrors: sumCounts(all.map((values) => values.upstreamErrors)),
    upstreamRetries: sumCounts(all.map((values) => values.upstreamRetries)),
    durations: sumDurations(all.map((values) => values.durations)),
    handshakesWaited: all.reduce((sum, values) => sum + values.handshakesWaited, 0),
    requestsWaited: all.reduce((sum, values) => sum + values.requestsWaited, 0),
    accessLogDropped: all.reduce((sum, values) => sum + values.accessLogDropped, 0),
    connectionsRefused: sumCounts(all.map((values) => values.connectionsRefused)),
  };
}

function sumCounts(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const counts of all) {
    for (const [labels, count] of Object.entries(counts)) sums[labels] = (sums[labels] ?? 0) + count;
  }
  return sums;
}

function sumDurations(all: readonly MetricValues['durations'][]): MetricValues['durations'] {
  const sums: Record<string, { buckets: number[]; sumSeconds: number }> = {};
  for (const durations of all) {
    for (const [labels, { buckets, sumSeconds }] of Object.entries(durations)) {
      const sum = sums[labels] ?? { buckets: buckets.map(() => 0), sumSeconds: 0 };
      sum.sumSeconds += sumSeconds;
      for (const [index, count] of buckets.entries()) sum.buckets[index] = (sum.buckets[index] ?? 0) + count;
      sums[labels] = sum;
    }
  }
  return sums;
}
