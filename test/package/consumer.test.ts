// The public declarations must compile in the project of a user who checks them strictly (`skipLibCheck: false`), with
// the types of Node and without them. So they must not name Buffer or NodeJS, nor a type of a package that the user
// does not have; and the doors bring `lib="esnext.disposable"` along for `Symbol.asyncDispose`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { installPackage } from './packed.ts';
import { root } from './source-file.ts';

const consumers = [
  {
    title: 'with the types of Node',
    installed: ['@types/node', 'lru-cache'],
    compilerOptions: { lib: ['es2022'], types: ['node'] },
  },
  {
    title: 'with the types of browsers only',
    installed: ['lru-cache'],
    compilerOptions: { lib: ['es2022', 'dom'], types: [] },
  },
];

describe.each(consumers)('a strict project $title', ({ installed, compilerOptions }) => {
  const folder = installPackage(installed);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What tsc says of a file with this text; nothing if all is well. */
  const compile = (text: string): string => {
    const options = { target: 'es2022', module: 'nodenext', strict: true, skipLibCheck: false, noEmit: true };
    const config = { compilerOptions: { ...options, ...compilerOptions }, files: ['user.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(folder, 'user.ts'), text);
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    return spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' }).stdout;
  };

  it.each(['qanat', 'qanat/testkit'])('compiles with %s', (door) => {
    expect(compile(`export * from '${door}';\n`)).toBe('');
  });

  it('would not compile with a declaration of a type that is not there', () => {
    const broken = join(folder, 'node_modules', 'broken');
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }));
    writeFileSync(join(broken, 'index.js'), '');
    writeFileSync(join(broken, 'index.d.ts'), 'export declare const bytes: NoSuchBuffer;\n');
    expect(compile(`export * from 'broken';\n`)).toContain('NoSuchBuffer');
  });
});
