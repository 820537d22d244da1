/** The style of the status page: small screens and large, light and dark. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #6a737d; --line: #d8dee4; --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --faint: #8d96a0; --line: #30363d; --good: #3fb950; --warn: #d29922; --bad: #ff7b72; }
}
body { margin: 0 auto; padding: 1.5rem; max-width: 75rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
h1 small, td small, footer { color: var(--faint); font-weight: normal; }
td small { display: block; overflow-wrap: anywhere; }
p { margin: .3rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; }
meter { width: 6rem; vertical-align: middle; }
code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
a { color: inherit; margin-right: 1rem; }
footer { margin-top: 2rem; }
.good, .valid, .up { color: var(--good); }
.expiring { color: var(--warn); }
.bad, .missing, .expired, .blocked, .down { color: var(--bad); }
`;
