// The door `qanat/s3`: explicit named exports and nothing else. Loading it loads the AWS SDK.
export { S3ObjectStore } from './store/s3-object-store.ts';
export type { S3Credentials, S3ObjectStoreOptions } from './store/s3-options.ts';
