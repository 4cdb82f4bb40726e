// What the words of a command line ask for. Pure.

/** What was asked for, or what is wrong with it. */
export type Asked =
  | { readonly command: 'help' | 'version' }
  | { readonly command: 'doctor'; readonly url: string }
  /** What a broker's words mean is looked at where they are needed. */
  | { readonly command: 'broker'; readonly words: readonly string[] }
  | { readonly command: 'wrong'; readonly problem: string };

export const usage: string = `Usage: qanat <command>

  qanat broker        serves Kafka's protocol; qanat broker --help says more
  qanat doctor URL    tries whether a store can be used, and says what is in it

URL is one of
  s3://bucket/prefix?endpoint=https://host:port&region=name    prefix and all parameters may be left out
  file:///directory                                            a FileObjectStore

Keys of S3 come from where the AWS SDK looks for them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, ...
The doctor writes below qanat-probe/ only, and deletes what it wrote. It ends with 0 if the store passed,
with 1 if something failed, and with 2 if it was asked wrongly.

  qanat --help        this text
  qanat --version     the version of the package`;

const commands = ['broker', 'doctor'];

/** Understands the words after `qanat`. */
export function parseArguments(words: readonly string[]): Asked {
  const [first, ...rest] = words;
  if (first === undefined) return wrong('a command is missing');
  if (first === 'broker') return { command: 'broker', words: rest };
  if (words.includes('--help') || words.includes('-h') || first === 'help') return { command: 'help' };
  if (first === '--version' || first === '-v') return { command: 'version' };
  if (first.startsWith('-')) return wrong(`there is no option ${first}`);
  if (first !== 'doctor') return wrong(`there is no command ${JSON.stringify(first)}; there is ${commands.join(', ')}`);
  const option = rest.find((word) => word.startsWith('-'));
  if (option !== undefined) return wrong(`doctor has no option ${option}`);
  const [url] = rest;
  if (url === undefined) return wrong('doctor needs the URL of a store');
  if (rest.length > 1) return wrong(`doctor takes one URL; a URL with & in it has to stand in quotes`);
  return { command: 'doctor', url };
}

function wrong(problem: string): Asked {
  return { command: 'wrong', problem };
}
