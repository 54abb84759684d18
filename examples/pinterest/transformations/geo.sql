CREATE STREAMING TABLE `0e36c8cd403d_geo_table`
COMMENT 'Where and when the posts were made'
AS SELECT
  ind,
  country,
  array(latitude, longitude) AS coordinates,
  try_cast(`timestamp` AS TIMESTAMP) AS `timestamp`
FROM STREAM geo_rows;
