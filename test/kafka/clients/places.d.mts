/** The clients that are in a folder, by name; undefined where one is not. */
export function placesIn(folder: string): {
  readonly nodeRdkafka?: string | undefined;
  readonly confluent?: string | undefined;
  readonly rdkafkaPerformance?: string | undefined;
  readonly python?: string | undefined;
  readonly kcat?: string | undefined;
  readonly java3?: string | undefined;
  readonly java4?: string | undefined;
};
