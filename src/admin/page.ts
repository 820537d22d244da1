import { createHash } from 'node:crypto';
import type { CertificateView } from '../certs/view.ts';
import { type Status, troubles } from './status.ts';

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --good: #2a8f4f; --warn: #b7791f; --bad: #c0392b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .3rem 0; } small, .dim { opacity: .7; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; font-size: .85rem; opacity: .7; }
.well { color: var(--good); } .unwell { color: var(--bad); } .due { color: var(--warn); }
progress { width: 9rem; height: .7rem; } ul { margin: .3rem 0; padding-left: 1.2rem; }
`;

/** The page runs no script and loads nothing: its style is known by its hash. */
export const CONTENT_SECURITY_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'`;

/** The status page. Looks again every five seconds. */
export function statusPage(status: Status): string {
  const problems = troubles(status);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rigil: ${problems.length === 0 ? 'all is well' : `${problems.length} to look at`}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>rigil ${text(status.version)}</h1>
<p class="dim">running since ${time(status.startedAt)}, configuration ${text(status.config.file)} of ${time(status.config.loadedAt)} (generation ${status.config.generation})</p>
${
  problems.length === 0
    ? '<p class="well">All is well.</p>'
    : `<ul class="unwell">${problems.map((problem) => `<li>${text(problem)}</li>`).join('')}</ul>`
}
${status.config.lastError === null ? '' : `<h2 class="unwell">The last reload changed nothing</h2><p>at ${time(status.config.lastError.at)}</p><ul>${status.config.lastError.problems.map((problem) => `<li>${text(problem)}</li>`).join('')}</ul>`}
<h2>Certificates</h2>
${table(
  ['name', 'status', 'time left', 'renewal', 'issuer', 'last error'],
  status.certificates.map((certificate) => certificateRow(certificate, status.at)),
)}
<h2>Routes</h2>
${table(
  ['names', 'upstreams', 'certificate'],
  status.routes.map(({ names, upstreams, certificate, fallback }) => [
    text(names.join(' ')) + (fallback ? ' <small>(and all others)</small>' : ''),
    text(upstreams.join(' ')),
    text(certificate),
  ]),
)}
<h2>Workers</h2>
${table(
  ['worker', 'pid', 'since', 'requests', 'connections', 'event loop delay (p99)'],
  status.workers.map((worker) => [
    String(worker.id),
    String(worker.pid),
    time(worker.startedAt),
    String(worker.requests),
    String(worker.connections),
    `${worker.eventLoopDelayP99Ms.toFixed(1)} ms`,
  ]),
)}
<h2>Work under way</h2>
${
  status.work.length === 0
    ? '<p class="dim">None.</p>'
    : table(
        ['certificate', 'what', 'since'],
        status.work.map(({ id, action, startedAt }) => [text(id), text(action), time(startedAt)]),
      )
}
<p class="dim">Waited for certificate work: ${status.waited.handshakes} handshakes, ${status.waited.requests} requests.</p>
</body>
</html>
`;
}

function certificateRow(certificate: CertificateView, now: string): string[] {
  const { id, names, status, notBefore, notAfter, renewAt, renewReason, issuer, lastError } = certificate;
  const mood = status === 'valid' ? 'well' : status === 'expiring' ? 'due' : 'unwell';
  return [
    `${text(id)}${names.length > 1 ? `<br><small>${text(names.slice(1).join(' '))}</small>` : ''}`,
    `<span class="${mood}">${text(status)}</span>`,
    notBefore === null || notAfter === null
      ? ''
      : `<progress max="1" value="${fractionLeft(notBefore, notAfter, now)}"></progress><br><small>until ${time(notAfter)}</small>`,
    renewAt === null
      ? ''
      : `${time(renewAt)}${renewReason === null ? '' : `<br><small>${text(renewReason)}</small>`}`,
    text(issuer),
    lastError === null
      ? ''
      : `${text(lastError.message)}<br><small>${text(lastError.code)}, ${lastError.attempts} in a row, again ${lastError.retryAt === null ? 'after a new configuration' : `at ${time(lastError.retryAt)}`}</small>`,
  ];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '<p class="dim">None.</p>';
  return `<table><tr>${heads.map((head) => `<th>${head}</th>`).join('')}</tr>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table>`;
}

function text(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function time(iso: string): string {
  return `<time datetime="${text(iso)}">${text(iso.replace('T', ' ').replace(/(:\d\d)\.\d+Z$/, '$1 UTC'))}</time>`;
}

/** How much of the validity is left at `now`, from 1 to 0. */
function fractionLeft(notBefore: string, notAfter: string, now: string): string {
  const [from, to, at] = [Date.parse(notBefore), Date.parse(notAfter), Date.parse(now)];
  return Math.min(1, Math.max(0, (to - at) / (to - from))).toFixed(3);
}
