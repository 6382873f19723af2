#!/bin/sh
# Trains the model on the data of HEAD, evaluates it, and commits it to a new branch. For CI, and by hand.
# Usage: retrain.sh BRANCH
set -eu
model=models/tumours.joblib holdout=data/holdout.csv predictions=evals/tumours.csv

git switch --quiet --create "$1"
mvc pull data
python training/train.py
mvc add $model
if git diff --cached --quiet; then
  echo "The data gives the same model."
  exit 0
fi
mvc eval predict $model $holdout -o $predictions
mvc eval score $model --predictions $predictions --score score_malignant --positive malignant --slice size \
  --dataset holdout=$holdout --train data/train --bump minor
git commit --quiet --message "Train on $(git log -1 --format=%h -- data/train.mvc)"
