CREATE STREAMING TABLE `0e36c8cd403d_user_table`
COMMENT 'Who made the posts'
AS SELECT
  ind,
  concat(first_name, ' ', last_name) AS user_name,
  age,
  try_cast(date_joined AS TIMESTAMP) AS date_joined
FROM STREAM user_rows;
