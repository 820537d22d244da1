import { expect, it } from 'vitest';
import { paced } from '../../src/app/paced.ts';
import { FakeClock } from '../certs/fake-clock.ts';

it('works at once, and what comes soon after is done together', async () => {
  const clock = new FakeClock();
  let times = 0;
  const call = paced(
    () => (times += 1),
    clock,
    () => 100,
  );
  call();
  expect(times).toBe(1);
  for (let count = 0; count < 50; count += 1) call();
  expect(times).toBe(1);
  await clock.advance(100);
  expect(times).toBe(2);
  await clock.advance(1_000);
  expect(times).toBe(2);
  call();
  expect(times).toBe(3);
});

it('puts nothing off where there is next to no pause', () => {
  let times = 0;
  const call = paced(
    () => (times += 1),
    new FakeClock(),
    () => 0.5,
  );
  for (let count = 0; count < 5; count += 1) call();
  expect(times).toBe(5);
});
