// Every counterexample of the models, played against the real journal.
import { describe, test } from 'vitest';
import { ObjectJournal } from '../../src/journal/object-journal.ts';
import { counterexamples } from './counterexamples.ts';

describe('ObjectJournal', () => {
  for (const [title, play] of Object.entries(counterexamples)) test(title, () => play(ObjectJournal));
});
