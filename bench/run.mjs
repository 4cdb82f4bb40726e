// `npm run bench -- append --seconds 2`: runs the bench of that name on a fresh build, with the arguments after it.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const notBenches = ['harness.mjs', 'place.mjs', 'run.mjs', 's3-service.mjs'];
const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.mjs') && !notBenches.includes(file))
  .map((file) => file.replace('.mjs', ''));

const [name, ...words] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error(
    `${name === undefined ? 'Name a bench' : `There is no bench ${name}`}. There are: ${names.join(', ')}.`,
  );
  process.exit(2);
}

const node = (url, args) =>
  spawnSync(process.execPath, [fileURLToPath(new URL(url, import.meta.url)), ...args], { stdio: 'inherit' }).status ??
  1;

const built = node('../test/build.mjs', ['--if-stale']);
process.exitCode = built === 0 ? node(`${name}.mjs`, words) : built;
