const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const;

/** A length of time for people, in its largest unit and, below ten of those, the next one: `6 d 4 h`, `59 d`, `12 s`. */
export function duration(ms: number): string {
  const left = Math.abs(ms);
  const index = UNITS.findIndex((unit) => left >= unit.ms);
  const unit = UNITS[index];
  if (unit === undefined) return `${Math.round(left)} ms`;
  const count = Math.floor(left / unit.ms);
  const next = UNITS[index + 1];
  const rest = next === undefined ? 0 : Math.floor((left - count * unit.ms) / next.ms);
  return count >= 10 || next === undefined || rest === 0
    ? `${count} ${unit.name}`
    : `${count} ${unit.name} ${rest} ${next.name}`;
}

/** A moment as seen from `now`: `in 6 d 4 h`, `3 min ago`. */
export function fromNow(moment: number, now: number): string {
  return moment >= now ? `in ${duration(moment - now)}` : `${duration(now - moment)} ago`;
}
