#!/usr/bin/env node
// The program `qanat`: says what it can do, and does it. The exit status is 0 if all is well, 1 if something failed,
// and 2 if it was asked for something that it does not have.
import { readFileSync } from 'node:fs';
import { parseArguments, usage } from './arguments.ts';

// The SDK, which is loaded later, says that its releases of next year need a newer Node. This package has an older one.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const ended = new AbortController();

process.exitCode = await run(process.argv.slice(2));

async function run(words: readonly string[]): Promise<number> {
  const asked = parseArguments(words);
  switch (asked.command) {
    case 'help':
      console.log(usage);
      return 0;
    case 'version':
      console.log(ownVersion());
      return 0;
    case 'wrong':
      console.error(`qanat: ${asked.problem}\n\n${usage}`);
      return 2;
    case 'doctor':
      return doctor(asked.url);
    case 'broker':
      return broker(asked.words);
  }
}

async function doctor(url: string): Promise<number> {
  process.once('SIGINT', () => ended.abort(new Error('stopped'))); // What a probe has written is deleted all the same.
  const [{ runDoctor }, { openStore }] = await Promise.all([import('./doctor.ts'), import('./store-from-url.ts')]);
  const opened = await openStore(url);
  if (opened.store === undefined) {
    console.error(`qanat doctor: ${opened.problem}`);
    return 2;
  }
  try {
    return await runDoctor(opened.store, {
      title: opened.title,
      print: (line) => console.log(line),
      signal: ended.signal,
    });
  } finally {
    opened.close();
  }
}

async function broker(words: readonly string[]): Promise<number> {
  // Supervisors send the one, terminals the other. Who asks twice does not want to wait.
  const stop = (_signal: string, number: number): void => {
    if (ended.signal.aborted) process.exit(128 + number);
    ended.abort(new Error('stopped'));
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  // Whoever reads what is printed may be gone. That is no reason to stop serving.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const { runBroker } = await import('./broker.ts');
  return runBroker({
    words,
    environment: process.env,
    print: (text) => void process.stdout.write(text),
    printError: (text) => void process.stderr.write(text),
    stopped: ended.signal,
  });
}

function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
