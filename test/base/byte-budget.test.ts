import { expect, test } from 'vitest';
import { ByteBudget } from '../../src/base/byte-budget.ts';

test('what does not fit waits, in the order of asking', async () => {
  const budget = new ByteBudget(100);
  const order: string[] = [];
  await budget.take(60);
  const large = budget.take(50).then(() => order.push('large'));
  const small = budget.take(10).then(() => order.push('small'));
  expect(budget.tryTake(1)).toBe(false); // Somebody waits.
  await Promise.resolve();
  expect(order).toEqual([]);
  budget.give(60);
  await Promise.all([large, small]);
  expect(order).toEqual(['large', 'small']);
  expect(budget.usedBytes).toBe(60);
});

test('more than the whole budget is let through alone', async () => {
  const budget = new ByteBudget(100);
  await budget.take(500);
  expect(budget.tryTake(1)).toBe(false);
  budget.give(500);
  expect(budget.tryTake(100)).toBe(true);
});
