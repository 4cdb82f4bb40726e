// Lanes: each purpose has places of its own, and limits of its own.
import { describe, expect, test } from 'vitest';
import type { StorePurpose } from '../../src/store/object-store.ts';
import { PurposeLanes, purposeLimits } from '../../src/store/purpose-lanes.ts';
import { walInFlightMax } from '../../src/model/limits.ts';

describe('PurposeLanes', () => {
  test('keeps a place for the WAL whatever work in the background does', async () => {
    const lanes = new PurposeLanes();
    const background: readonly StorePurpose[] = ['compaction', 'sweep', 'snapshot', 'upload', 'read'];
    for (const purpose of background) {
      for (let i = 0; i <= purposeLimits[purpose]; i++) void lanes.enter(purpose);
    }
    for (let i = 0; i < walInFlightMax; i++) await lanes.enter('wal');
    const states = new Map(lanes.limits().map((state) => [state.purpose, state]));
    expect(states.get('sweep')).toEqual({ purpose: 'sweep', limit: 4, limitMax: 4, running: 4, waiting: 1 });
    expect(states.get('wal')).toMatchObject({ running: walInFlightMax, waiting: 0 });
  });

  test('shrinks the lane that is throttled, and no other', async () => {
    const lanes = new PurposeLanes();
    (await lanes.enter('read')).leave('throttled');
    expect(lanes.isReduced('read')).toBe(true);
    for (const { purpose, limit, limitMax } of lanes.limits()) {
      expect(limitMax).toBe(purposeLimits[purpose]);
      expect(limit, purpose).toBe(purpose === 'read' ? limitMax / 2 : limitMax);
      expect(lanes.isReduced(purpose)).toBe(purpose === 'read');
    }
  });

  test('takes other limits, and lets purposes through that it does not know', async () => {
    const lanes = new PurposeLanes({ read: 1 });
    await lanes.enter('read');
    const controller = new AbortController();
    const waiting = lanes.enter('read', controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    (await lanes.enter('errands' as StorePurpose)).leave('ok');
    expect(lanes.limits().map(({ purpose }) => purpose)).toEqual(Object.keys(purposeLimits));
  });
});
