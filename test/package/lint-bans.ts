// What the linter says again of layers.ts, so that an editor shows a forbidden import while it is typed. The result is
// import-bans.json beside this file, which .oxlintrc.json extends; lint.test.ts keeps the two the same.
import { layers, packageRules, type Layer } from './layers.ts';

interface Override {
  readonly files: readonly string[];
  readonly rules: Readonly<Record<string, unknown>>;
}

export function importBans(): { readonly overrides: readonly Override[] } {
  const ofLayers = layers.map((layer) =>
    isDoor(layer)
      ? override(layer, `src/${layer.name}`, `src/${layer.name}`)
      : override(layer, `src/${layer.name}/**`, `src/${layer.name}/x.ts`),
  );
  const store = layers.find(({ name }) => name === 'store');
  const ofS3 = store === undefined ? [] : [override(store, 'src/store/s3-*.ts', 'src/store/s3-x.ts')];
  return { overrides: [...ofLayers, ...ofS3] };
}

/** One override on few lines, since every line of it is derived. */
export function printBans({ overrides }: ReturnType<typeof importBans>): string {
  return `{\n  "overrides": [\n${overrides.map((one) => `    ${JSON.stringify(one)}`).join(',\n')}\n  ]\n}\n`;
}

function override(layer: Layer, glob: string, examplePath: string): Override {
  const others = layers.map(({ name }) => name).filter((name) => name !== layer.name && !layer.imports.includes(name));
  const upward = {
    regex: `^${isDoor(layer) ? '\\./' : '(\\.\\./)+'}(${others.join('|').replaceAll('.', '\\.')})(/|$)`,
    message: `${layer.name} may import ${layer.imports.join(', ') || 'nothing else of src'}.`,
  };
  const packages = packageRules
    .filter(({ only }) => !only.test(examplePath))
    .map(({ specifier, why }) => ({ regex: specifier.source.replaceAll('\\/', '/'), message: `${why}.` }));
  const patterns = others.length === 0 ? packages : [upward, ...packages];
  return { files: [glob], rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

function isDoor({ name }: Layer): boolean {
  return name.endsWith('.ts');
}
