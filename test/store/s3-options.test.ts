// What an S3 store is told, as options or as a URL: what is meant is understood, what cannot be meant is refused.
import { describe, expect, it } from 'vitest';
import { S3ObjectStore } from '../../src/s3.ts';
import { checkS3Options, parseS3Url, type S3ObjectStoreOptions } from '../../src/store/s3-options.ts';

describe('a URL', () => {
  it.each<[string, S3ObjectStoreOptions]>([
    ['s3://bucket', { bucket: 'bucket' }],
    ['s3://bucket/', { bucket: 'bucket' }],
    ['s3://my.bucket-1/a/b', { bucket: 'my.bucket-1', prefix: 'a/b' }],
    ['s3://bucket/a/', { bucket: 'bucket', prefix: 'a/' }],
    ['s3://bucket/with%20space/%C3%A9', { bucket: 'bucket', prefix: 'with space/é' }],
    ['s3://bucket?region=eu-west-1', { bucket: 'bucket', region: 'eu-west-1' }],
    ['s3://bucket?endpoint=http://127.0.0.1:9000', { bucket: 'bucket', endpoint: 'http://127.0.0.1:9000' }],
    [
      's3://bucket/p?endpoint=https%3A%2F%2Fs3.example.net%2Fbase&region=x&forcePathStyle=false&unsignedPayload=true',
      {
        ...{ bucket: 'bucket', prefix: 'p', endpoint: 'https://s3.example.net/base', region: 'x' },
        ...{ forcePathStyle: false, unsignedPayload: true },
      },
    ],
  ])('%s is understood', (url, options) => {
    expect(parseS3Url(url)).toEqual(options);
    S3ObjectStore.fromUrl(url).close();
  });

  it.each([
    ['', /s3:\/\/bucket\/prefix/],
    ['bucket', /s3:\/\/bucket\/prefix/],
    ['http://bucket/prefix', /s3:\/\/bucket\/prefix/],
    ['s3:/bucket', /s3:\/\/bucket\/prefix/],
    ['s3://bucket/a#b', /s3:\/\/bucket\/prefix/],
    ['s3://', /names a bucket/],
    ['s3:///prefix', /names a bucket/],
    ['s3://bucket:9000/prefix', /no port/],
    ['s3://AKIAEXAMPLE:wJalrSecret@bucket/prefix', /no credentials/],
    ['s3://b', /3 to 63/],
    ['s3://bucket/a//b', /none of them empty/],
    ['s3://bucket//a', /none of them empty/],
    ['s3://bucket/../a', /'\.\.'/],
    ['s3://bucket/%E0%A4%A', /%25/],
    ['s3://bucket?regoin=x', /no parameter 'regoin'/],
    ['s3://bucket?region=a&region=b', /twice/],
    ['s3://bucket?region=a b', /a region is a name/],
    ['s3://bucket?endpoint=127.0.0.1:9000', /an endpoint is a URL/],
    ['s3://bucket?endpoint=ftp://host', /an endpoint is a URL/],
    ['s3://bucket?endpoint=http://user:wJalrSecret@host', /without credentials/],
    ['s3://bucket?forcePathStyle=yes', /true or false/],
  ])('%s is refused with a sentence that helps', (url, sentence) => {
    const refusal = refusalOf(() => parseS3Url(url));
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(refusal.message).toMatch(sentence);
    expect(refusal.message).not.toContain('wJalrSecret');
  });

  it('is a text', () => {
    for (const wrong of [undefined, null, 7, {}, new URL('s3://bucket')])
      expect(refusalOf(() => parseS3Url(wrong as string))).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('options', () => {
  it.each<[unknown, RegExp]>([
    [undefined, /is given \{ bucket/],
    ['s3://bucket', /fromUrl/],
    [{}, /a bucket's name/],
    [{ bucket: '' }, /a bucket's name/],
    [{ bucket: 'a/b' }, /a bucket's name/],
    [{ bucket: 'bucket', prefx: 'a' }, /no option 'prefx'/],
    [{ bucket: 'bucket', prefix: 7 }, /a prefix is a text/],
    [{ bucket: 'bucket', prefix: '/a' }, /none of them empty/],
    [{ bucket: 'bucket', prefix: 'a/./b' }, /'\.'/],
    [{ bucket: 'bucket', prefix: 'a\nb' }, /control characters/],
    [{ bucket: 'bucket', prefix: '\ud800' }, /well-formed/],
    [{ bucket: 'bucket', prefix: 'a'.repeat(600) }, /512/],
    [{ bucket: 'bucket', endpoint: 'localhost' }, /an endpoint is a URL/],
    [{ bucket: 'bucket', region: '' }, /a region is a name/],
    [{ bucket: 'bucket', forcePathStyle: 'yes' }, /true or false/],
    [{ bucket: 'bucket', credentials: {} }, /'accessKeyId' is not/],
    [{ bucket: 'bucket', credentials: { accessKeyId: 'a' } }, /'secretAccessKey' is not/],
    [
      { bucket: 'bucket', credentials: { accessKeyId: 'a', secretAccessKey: 'wJalr', sessionToken: 7 } },
      /'sessionToken' is/,
    ],
  ])('%j are refused', (options, sentence) => {
    const refusal = refusalOf(() => checkS3Options(options as S3ObjectStoreOptions));
    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(refusal.message).toMatch(sentence);
    expect(refusal.message).not.toContain('wJalr');
  });
});

function refusalOf(run: () => unknown): Error {
  try {
    run();
  } catch (cause) {
    return cause as Error;
  }
  throw new Error('it was not refused');
}
