import { performance } from 'node:perf_hooks';
import { parseConfig } from '../src/config/parse.ts';

/** How long a configuration takes to read, and how that grows: `node bench/config-parse.ts`. */

const SIZES = [1000, 10_000, 100_000];
const RUNS = 5;

const rows = SIZES.map((routes) => {
  const text = configOf(routes);
  const times = Array.from({ length: RUNS }, () => measure(text, routes)).toSorted((a, b) => a - b);
  return { routes, bytes: text.length, ms: times[Math.floor(RUNS / 2)] ?? Number.NaN };
});

console.log('| routes | size | median of 5 | a route | growth |');
console.log('|---|---|---|---|---|');
for (const [index, { routes, bytes, ms }] of rows.entries()) {
  const before = rows[index - 1];
  const growth =
    before === undefined
      ? ''
      : `${(ms / before.ms).toFixed(1)} x time for ${routes / before.routes} x routes`;
  const size = `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  console.log(
    `| ${routes} | ${size} | ${ms.toFixed(0)} ms | ${((ms * 1000) / routes).toFixed(1)} µs | ${growth} |`,
  );
}

function configOf(routes: number): string {
  const parts = ['global\n  http :80\n  https :443\n\nissuer letsencrypt\n  email admin@example.com\n\n'];
  for (let index = 0; index < routes; index += 1) {
    parts.push(
      `route site-${index}.example.com www.site-${index}.example.com\n`,
      `  upstream 10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}:8080\n`,
      '  header delete Server\n',
      '  redirect-to-primary\n\n',
    );
  }
  return parts.join('');
}

function measure(text: string, routes: number): number {
  const start = performance.now();
  const { config } = parseConfig(text, {
    file: 'bench.conf',
    env: { HOME: '/root' },
    mode: 'daemon',
    baseDir: '/',
  });
  const ms = performance.now() - start;
  if (config?.routes.length !== routes) throw new Error('the configuration was not read whole');
  return ms;
}
