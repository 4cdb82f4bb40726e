// Prints the digests of the worlds of some seeds, from the built package: a process of its own, to compare.
import { drawWorld, runWorld } from 'qanat/testkit';

for (const seed of process.argv.slice(2)) {
  const { digest } = await runWorld(drawWorld(Number(seed)));
  console.log(digest);
}
