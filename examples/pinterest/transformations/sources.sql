-- What was posted, parsed: one row for each distinct row sent, whatever its order of keys. Text that
-- is no JSON gives a row of NULLs, a missing or wrong field a NULL.

CREATE TEMPORARY VIEW pin_rows AS
SELECT DISTINCT r.*
FROM (
  SELECT from_json(
    CAST(data AS STRING),
    'category STRING, description STRING, downloaded INT, follower_count STRING, image_src STRING, index INT, is_image_or_video STRING, poster_name STRING, save_location STRING, tag_list STRING, title STRING, unique_id STRING'
  ) AS r
  FROM STREAM read_kinesis(
    streamName => 'streaming-0e36c8cd403d-pin',
    region => 'us-east-1',
    initialPosition => 'earliest'
  )
);

CREATE TEMPORARY VIEW geo_rows AS
SELECT DISTINCT r.*
FROM (
  SELECT from_json(
    CAST(data AS STRING),
    'ind INT, timestamp STRING, latitude DOUBLE, longitude DOUBLE, country STRING'
  ) AS r
  FROM STREAM read_kinesis(
    streamName => 'streaming-0e36c8cd403d-geo',
    region => 'us-east-1',
    initialPosition => 'earliest'
  )
);

CREATE TEMPORARY VIEW user_rows AS
SELECT DISTINCT r.*
FROM (
  SELECT from_json(
    CAST(data AS STRING),
    'ind INT, first_name STRING, last_name STRING, age INT, date_joined STRING'
  ) AS r
  FROM STREAM read_kinesis(
    streamName => 'streaming-0e36c8cd403d-user',
    region => 'us-east-1',
    initialPosition => 'earliest'
  )
);
