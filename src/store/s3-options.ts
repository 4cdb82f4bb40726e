// What an S3 store is told: as options, or as a URL `s3://bucket/prefix?endpoint=…&region=…`. Checked here; pure.
import { invalidArgument } from '../model/errors.ts';

/** A pair of keys, with the token of a session if it is one. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When they end. A function that gives credentials is asked again before then. */
  readonly expiration?: Date | undefined;
}

/** What an S3ObjectStore is made of. */
export interface S3ObjectStoreOptions {
  readonly bucket: string;
  /** Everything lies under this in the bucket, behind a '/' of its own; at the top unless given. */
  readonly prefix?: string | undefined;
  /** Where the server is, for any but AWS: `http://127.0.0.1:9000`, `https://s3.example.net`. */
  readonly endpoint?: string | undefined;
  /** As the SDK finds it (AWS_REGION, the profile) unless given; 'us-east-1' where an endpoint is given. */
  readonly region?: string | undefined;
  /** The bucket in the path of requests instead of the host's name; unless given, so where an endpoint is given. */
  readonly forcePathStyle?: boolean | undefined;
  /** Keys, or who gives them. The SDK's chain (environment, profile, container, instance) unless given. */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined;
  /**
   * Send bodies with a CRC-32 and without their SHA-256 in the signature, which is half of what a PUT costs. Over TLS,
   * which protects the body, unless given; not over plain HTTP.
   */
  readonly unsignedPayload?: boolean | undefined;
}

const optionNames = ['bucket', 'prefix', 'endpoint', 'region', 'forcePathStyle', 'credentials', 'unsignedPayload'];
const urlForm = "'s3://bucket/prefix?endpoint=https://host:port&region=name'";
const urlParameters = ['endpoint', 'region', 'forcePathStyle', 'unsignedPayload'];

/** The part of a key that all keys of a store begin with: '' or something that ends with '/'. */
export function keyPrefixOf(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

/** Refuses options that cannot be meant. */
export function checkS3Options(options: S3ObjectStoreOptions): void {
  if (typeof options !== 'object' || options === null)
    throw invalidArgument('an S3ObjectStore is given { bucket, … }; S3ObjectStore.fromUrl takes a URL', TypeError);
  for (const name of Object.keys(options))
    if (!optionNames.includes(name))
      throw invalidArgument(`an S3ObjectStore has no option '${name}'; its options are ${optionNames.join(', ')}`);
  const { bucket, prefix = '', endpoint, region, credentials } = options as Partial<S3ObjectStoreOptions>;
  if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i.test(bucket))
    throw invalidArgument(`a bucket's name has 3 to 63 letters, digits, '.', '-' or '_'; got ${show(bucket)}`);
  checkPrefix(prefix);
  if (endpoint !== undefined) checkEndpoint(endpoint);
  if (region !== undefined && (typeof region !== 'string' || !/^[a-z0-9-]+$/i.test(region)))
    throw invalidArgument(`a region is a name such as 'us-east-1'; got ${show(region)}`);
  for (const name of ['forcePathStyle', 'unsignedPayload'] as const)
    if (options[name] !== undefined && typeof options[name] !== 'boolean')
      throw invalidArgument(`'${name}' is true or false; got ${show(options[name])}`, TypeError);
  if (credentials !== undefined && typeof credentials !== 'function') checkCredentials(credentials);
}

/** Keys as they must be. What is wrong with them is said without them. */
export function checkCredentials(credentials: S3Credentials): void {
  const { accessKeyId, secretAccessKey, sessionToken } = (credentials ?? {}) as Partial<S3Credentials>;
  const wrong =
    typeof accessKeyId !== 'string' || accessKeyId === ''
      ? 'accessKeyId'
      : typeof secretAccessKey !== 'string' || secretAccessKey === ''
        ? 'secretAccessKey'
        : sessionToken !== undefined && (typeof sessionToken !== 'string' || sessionToken === '')
          ? 'sessionToken'
          : undefined;
  if (wrong !== undefined)
    throw invalidArgument(
      `credentials are { accessKeyId, secretAccessKey, sessionToken? }, each a text; '${wrong}' is not`,
      TypeError,
    );
}

/** The options that a URL means. */
export function parseS3Url(url: string): S3ObjectStoreOptions {
  const match = typeof url === 'string' ? /^s3:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(url) : null;
  if (match === null)
    throw invalidArgument(`the URL of an S3 store is ${urlForm}; got ${show(hidden(url))}`, TypeError);
  const [, bucket = '', path = '', query = ''] = match;
  if (bucket === '') throw invalidArgument(`the URL of an S3 store names a bucket: ${urlForm}`);
  if (bucket.includes('@') || bucket.includes(':'))
    throw invalidArgument(
      `the URL of an S3 store holds no credentials and no port: ${urlForm}; ` +
        'keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), a profile, or options',
    );
  const given: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (!urlParameters.includes(name))
      throw invalidArgument(
        `the URL of an S3 store has no parameter '${name}'; it may have ${urlParameters.join(', ')}`,
      );
    if (name in given) throw invalidArgument(`the URL of an S3 store has '${name}' twice`);
    given[name] = value;
  }
  const { endpoint, region, forcePathStyle, unsignedPayload } = given;
  const options: S3ObjectStoreOptions = {
    bucket,
    ...(path.length > 1 ? { prefix: decodePath(path.slice(1)) } : {}),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(forcePathStyle === undefined ? {} : { forcePathStyle: flagOf('forcePathStyle', forcePathStyle) }),
    ...(unsignedPayload === undefined ? {} : { unsignedPayload: flagOf('unsignedPayload', unsignedPayload) }),
  };
  checkS3Options(options);
  return options;
}

function checkPrefix(prefix: unknown): void {
  if (typeof prefix !== 'string') throw invalidArgument(`a prefix is a text; got ${show(prefix)}`, TypeError);
  if (prefix === '') return;
  if (/[\p{Surrogate}\p{Cc}]/u.test(prefix))
    throw invalidArgument('a prefix is well-formed text without control characters');
  if (Buffer.byteLength(prefix) > 512) throw invalidArgument('a prefix has at most 512 UTF-8 bytes; this one has more');
  const parts = prefix.replace(/\/$/, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw invalidArgument(
      `a prefix is names with '/' between them, none of them empty, '.' or '..'; got ${show(prefix)}`,
    );
}

function checkEndpoint(endpoint: unknown): void {
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw invalidArgument(`an endpoint is a URL such as 'https://s3.example.net'; got ${show(hidden(endpoint))}`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalidArgument(`an endpoint is a scheme, a host and a port, without credentials or parameters`);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalidArgument(`the path of the URL of an S3 store has a '%' that escapes nothing; write '%25' for a '%'`);
  }
}

function flagOf(name: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalidArgument(`'${name}' is true or false; got ${show(text)}`);
}

/** A URL as it may be shown: without what stands before an '@'. */
function hidden(url: unknown): unknown {
  return typeof url === 'string' ? url.replace(/\/\/[^/?#]*@/, '//…@') : url;
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 100 ? `${value.slice(0, 97)}...` : value);
  return value === null ? 'null' : ['number', 'boolean'].includes(typeof value) ? String(value) : typeof value;
}
