#!/bin/bash
#SBATCH --job-name=steepest
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --constraint=one-kind-of-node    # as your cluster calls it: kinds are not mixed

# Nodes share this directory and this environment: pip install "steepest[ray]"
source ~/venv/bin/activate
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)

export RAY_ADDRESS="$head:6379"
# Ray starts on every node, the command runs on the first. A job that is cut off goes on where it was
# when it is submitted again: the same command with the same --out resumes.
srun ray symmetric-run --address "$RAY_ADDRESS" --min-nodes "$SLURM_JOB_NUM_NODES" -- \
  steepest compare my_task.py --workers ray --out "$SLURM_SUBMIT_DIR/study"
