import { createHash } from 'node:crypto';
import type { CertificateView } from '../certs/view.ts';
import type { Instant } from '../platform/clock.ts';
import { escapeHtml } from './escape-html.ts';
import { PAGE_STYLE } from './page-style.ts';
import { left, since, until } from './spans.ts';
import { type RouteStatus, type Status, troubles, type UpstreamHealth } from './status.ts';

/** The `Content-Security-Policy` of the page: its own style and nothing else. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const REFRESH_S = 5;

/** The status page: one document for people, without scripts and without anything from elsewhere. */
export function statusPage(status: Status): string {
  const { version, startedAt } = status;
  const now = Date.parse(status.at);
  const problems = troubles(status);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${REFRESH_S}">
<meta name="color-scheme" content="light dark">
<title>rigil: ${problems.length === 0 ? 'all is well' : `${problems.length} to look at`}</title>
<style>${PAGE_STYLE}</style>
<header>
  <h1>rigil <small>${escapeHtml(version)}</small></h1>
  ${problems.length === 0 ? '<p class="good">All is well.</p>' : `<ul class="bad">${problems.map((problem) => `<li>${escapeHtml(problem)}`).join('')}</ul>`}
  <p>Up ${since(startedAt, now)}. ${configText(status, now)}</p>
  ${sourceText(status, now)}
  ${storeText(status, now)}
</header>
<main>
${section('Certificates', certificates(status.certificates, now))}
${section('Work', work(status.work, now))}
${section('Routes', routes(status.routes, now))}
${section('Workers', workers(status.workers, now))}
${section('Waiting', waiting(status))}
</main>
<footer><a href="/api/status">JSON</a> <a href="/healthz">Health</a> <a href="/metrics">Metrics</a></footer>
</html>
`;
}

function configText({ config }: Status, now: Instant): string {
  const loaded = `Configuration ${config.generation} from <code>${escapeHtml(config.file)}</code>, loaded ${since(config.loadedAt, now)} ago.`;
  if (config.lastError === null) return loaded;
  const problems = config.lastError.problems
    .map((problem) => `<li><code>${escapeHtml(problem)}</code>`)
    .join('');
  return `${loaded}</p><div class="bad">A newer one was refused ${since(config.lastError.at, now)} ago; the old one serves on.<ul>${problems}</ul></div><p>`;
}

function sourceText({ config: { source } }: Status, now: Instant): string {
  if (source === null) return '';
  const routes = `Routes come from <code>${escapeHtml(source.url)}</code>, which is`;
  if (source.connected) return `<p>${routes} <span class="good">connected</span>.</p>`;
  const why =
    source.lastError === null
      ? ''
      : `: ${escapeHtml(source.lastError.message)}, ${since(source.lastError.at, now)} ago`;
  return `<p>${routes} <span class="bad">not connected</span>${why}.</p>`;
}

function storeText({ store }: Status, now: Instant): string {
  const { kind, place, up, lastError, warnings } = store;
  const answers = up ? '<span class="good">answers</span>' : '<span class="bad">does not answer</span>';
  return [
    kind === 'file'
      ? ''
      : `<p>Certificates are kept in <code>${escapeHtml(place)}</code>, which ${answers}.</p>`,
    lastError === null
      ? ''
      : `<p class="bad">For ${since(lastError.since, now)} the store could not be written: ${escapeHtml(lastError.message)}. What it has is served, but nothing can be obtained or renewed.</p>`,
    ...warnings.map((warning) => `<p class="bad">${escapeHtml(warning)}</p>`),
  ].join('');
}

function certificates(views: readonly CertificateView[], now: Instant): string {
  const rows = views.map((view) => [
    `${escapeHtml(view.id)}${names(view.names.slice(1))}`,
    escapeHtml(view.issuer),
    `<span class="${view.status}">${view.status}</span>`,
    lifetime(view, now),
    view.renewAt === null
      ? ''
      : `${until(view.renewAt, now)}<small>${escapeHtml(view.renewReason ?? '')}</small>`,
    view.lastError === null
      ? ''
      : `${escapeHtml(view.lastError.message)}<small>${escapeHtml(view.lastError.code)}, ${view.lastError.attempts} attempts, ${view.lastError.retryAt === null ? 'not tried again' : `again ${until(view.lastError.retryAt, now)}`}</small>`,
  ]);
  return table(
    ['Name', 'Issuer', 'Status', 'Time left', 'Renewal', 'Last error'],
    rows,
    'No route wants one.',
  );
}

/** A bar of the time that is left, with the same in words. */
function lifetime({ notBefore, notAfter, id }: CertificateView, now: Instant): string {
  if (notBefore === null || notAfter === null) return '';
  const [start, end] = [Date.parse(notBefore), Date.parse(notAfter)];
  const share = Math.max(0, Math.min(1, (end - now) / Math.max(1, end - start)));
  return `<meter min="0" max="1" low="0.1" high="0.33" optimum="1" value="${share.toFixed(3)}" aria-label="time left of ${escapeHtml(id)}"></meter> <span title="${escapeHtml(notAfter)}">${left(notAfter, now)}</span>`;
}

function routes(all: readonly RouteStatus[], now: Instant): string {
  const rows = all.map(
    ({ names: [primary = '', ...others], upstreams, health, failing, certificate, fallback }) => [
      `${escapeHtml(primary)}${fallback ? ' <em>fallback</em>' : ''}${names(others)}`,
      upstreams
        .map((upstream) => {
          const found = health?.find((each) => each.upstream === upstream);
          const spelt = escapeHtml(upstream) + (found === undefined ? '' : healthText(found, now));
          const fails = failing.includes(upstream) && found?.state !== 'down';
          return fails ? `${spelt} <span class="expiring">failing</span>` : spelt;
        })
        .join('<br>'),
      escapeHtml(certificate),
    ],
  );
  return table(['Names', 'Upstreams', 'Certificate'], rows, 'None: every name is refused.');
}

/** What the health check of an upstream says. */
function healthText({ state, since: from, problem }: UpstreamHealth, now: Instant): string {
  const spelt = ` <span class="${state}">${state}</span>`;
  if (state !== 'down') return spelt;
  return `${spelt}<small>for ${since(from, now)}${problem === null ? '' : `: ${escapeHtml(problem)}`}</small>`;
}

function workers(all: Status['workers'], now: Instant): string {
  const rows = all.map(({ id, pid, startedAt, requests, connections, eventLoopDelayP99Ms, draining }) => [
    `${id}${draining ? ' <em>draining</em>' : ''}`,
    String(pid),
    since(startedAt, now),
    requests.toLocaleString('en'),
    connections.toLocaleString('en'),
    `${eventLoopDelayP99Ms.toFixed(1)} ms`,
  ]);
  return table(
    ['Worker', 'Process', 'Up', 'Requests', 'Connections', 'Event loop delay (p99)'],
    rows,
    'None is ready.',
  );
}

function work(all: Status['work'], now: Instant): string {
  const rows = all.map(({ id, action, startedAt }) => [
    escapeHtml(action),
    escapeHtml(id),
    since(startedAt, now),
  ]);
  return table(['Action', 'Certificate', 'For'], rows, 'None. Serving would not wait for it.');
}

function waiting({ waited }: Status): string {
  const { handshakes, requests } = waited;
  return `<p class="${handshakes + requests === 0 ? 'good' : 'bad'}">${handshakes} handshakes and ${requests} requests ever waited for certificate work.</p>`;
}

function section(title: string, body: string): string {
  return `<section><h2>${title}</h2>${body}</section>`;
}

/** Cells are HTML already. */
function table(heads: readonly string[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return `<p>${empty}</p>`;
  const head = heads.map((text) => `<th scope="col">${text}`).join('');
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}`).join('')}`).join('\n');
  return `<div class="wide"><table><thead><tr>${head}<tbody>\n${body}\n</table></div>`;
}

function names(others: readonly string[]): string {
  return others.length === 0 ? '' : `<small>${others.map(escapeHtml).join(', ')}</small>`;
}
